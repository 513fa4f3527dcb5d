#include "server/sinks/sqlite/sqlite_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "protocols/core/errno_text.h"
#include "server/config/path_pattern.h"
#include "server/files/file_ops.h"
#include "server/sinks/path_template.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds kLockPatience{1};
constexpr std::chrono::milliseconds kLockPause{10};
constexpr std::size_t kRowsBetweenLooks = 256;  // at an interrupt
/// What is left of the write-ahead log's file after a checkpoint.
constexpr std::string_view kLogBytes = "16777216";

bool is_locked(int result) noexcept {
  return (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
}

/// The file itself is the trouble: another one may stand there when it is opened again.
bool is_unusable(int result) noexcept {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL: return true;
    default: return false;
  }
}

/// A new file as those of file sinks are; what SQLite lays beside it has the same mode. False where there is one: to open and
/// close that would let go of SQLite's locks.
bool make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

std::string_view synchronous(config::Sync sync) noexcept {
  switch (sync) {
    case config::Sync::kAlways: return "FULL";
    case config::Sync::kInterval: return "NORMAL";
    case config::Sync::kNever: break;
  }
  return "OFF";
}

/// The name of a listener's table. What a table's name cannot have, config::check_sqlite_sink refuses.
std::string table_name(const std::string& pattern, const Origin& origin) {
  const auto parts = config::parse_path(pattern);
  if (!parts) return pattern;
  std::string name;
  for (const config::PathPart& part : *parts) {
    if (part.kind == config::PathPart::Kind::kListener)
      name += origin.listener;
    else if (part.kind == config::PathPart::Kind::kScheme)
      name += origin.url.substr(0, origin.url.find(':'));
    else
      name += part.text;
  }
  return name;
}

}  // namespace

SqliteSink::SqliteSink(const config::Sink& config)
    : config_(config), retention_(config_.sqlite, database_) {}

SqliteSink::~SqliteSink() { disconnect(); }

// ---- the file

Result<void> SqliteSink::open() {
  const std::string name = "sink \"" + config_.name + "\": ";
  const auto path = PathTemplate::parse(config_.path, config::TimeZone::kUtc);
  if (!path) return fail(EINVAL, name + "path \"" + config_.path + "\": " + path.error().message);
  path_ = path->render({}, {});
  std::string failed;
  created_.emplace();
  const int made = make_directories(system_files(), parent_directory(path_),
                                    config_.sync == config::Sync::kAlways, failed, &*created_);
  if (made < 0) return fail(-made, name + "create directory " + failed + ": " + errno_text(made));
  give_up_ = Clock::now() + kLockPatience;
  last_sync_ = Clock::now();
  const int result = connect();
  if (result == SQLITE_OK || is_locked(result)) return {};
  note(result, "open");
  return fail(EIO, name + error_);
}

void SqliteSink::undo_open() noexcept {
  const bool empty =
      database_.is_open() && database_.number("SELECT count(*) FROM sqlite_schema", 1) == 0;
  disconnect();
  if (made_file_ && empty) {
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path_ + suffix).c_str());
  }
  made_file_ = false;
  if (created_) created_->remove();
  created_.reset();
}

int SqliteSink::connect() {
  disconnect();
  made_file_ = make_file(path_);
  if (made_file_ && created_) created_->add(path_);
  if (const int opened = database_.open(path_); opened != SQLITE_OK) return opened;
  sqlite3_busy_handler(database_.get(), &SqliteSink::on_busy, this);
  if (const int result = set_up(); result != SQLITE_OK) return result;
  struct stat status {};
  if (::stat(path_.c_str(), &status) < 0) return SQLITE_CANTOPEN;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  is_set_up_ = true;
  return SQLITE_OK;
}

/// What a new file keeps for good (vacuum, WAL mode), and what holds for this connection.
int SqliteSink::set_up() {
  const std::string settings =
      "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA temp_store = MEMORY; "
      "PRAGMA journal_size_limit = " +
      std::string(kLogBytes) + "; PRAGMA synchronous = " + std::string(synchronous(config_.sync));
  if (const int result = database_.run(settings); result != SQLITE_OK) return result;
  SqliteStatement mode = database_.prepare("PRAGMA journal_mode = WAL");
  if (!mode) return sqlite3_extended_errcode(database_.get());
  const int stepped = mode.step();
  if (stepped != SQLITE_ROW) return stepped;
  return mode.text(0) == "wal" ? SQLITE_OK : SQLITE_PROTOCOL;
}

/// Closing brings all into the database, unless another program has it open.
void SqliteSink::disconnect() {
  if (is_set_up_) sync();
  of_origin_.clear();
  tables_.clear();
  database_.close();
  is_set_up_ = false;
}

/// Another file, or none, is where ours was: what is written to ours nobody would find.
bool SqliteSink::was_moved() const {
  struct stat status {};
  return ::stat(path_.c_str(), &status) < 0 || status.st_dev != device_ || status.st_ino != inode_;
}

bool SqliteSink::make_ready() {
  const bool asked = reopen_.exchange(false);
  const bool moved = is_set_up_ && was_moved();
  if (moved)
    log::warn("the database file was moved or removed, a new one is opened",
              {{"sink", config_.name}, {"path", path_}});
  if (is_set_up_ && !asked && !moved) return true;
  return note(connect(), "open");
}

// ---- records

WriteStatus SqliteSink::write(const Batch& batch) {
  created_.reset();
  made_file_ = false;
  error_.clear();
  give_up_ = Clock::now() + kLockPatience;
  if (!make_ready()) return WriteStatus::kRetry;
  int result = database_.run("BEGIN IMMEDIATE");
  if (result == SQLITE_OK) result = insert_all(batch);
  if (result == SQLITE_OK) result = database_.run("COMMIT");
  if (!note(result, "write to")) {
    roll_back();
    return WriteStatus::kRetry;
  }
  unsynced_ = config_.sync == config::Sync::kInterval;
  return WriteStatus::kDelivered;
}

int SqliteSink::insert_all(const Batch& batch) {
  std::size_t until_look = kRowsBetweenLooks;
  for (const Segment& segment : batch.segments) {
    SqliteTable& table = table_of(*segment.origin);
    const std::size_t end = std::size_t{segment.first} + segment.count;
    for (std::size_t at = segment.first; at < end; ++at) {
      row_.take(batch, segment, at);
      if (const int result = table.insert(row_); result != SQLITE_OK) return result;
      if (--until_look != 0) continue;
      if (interrupted_.load()) return SQLITE_INTERRUPT;
      until_look = kRowsBetweenLooks;
    }
  }
  return interrupted_.load() ? SQLITE_INTERRUPT : SQLITE_OK;
}

SqliteTable& SqliteSink::table_of(const Origin& origin) {
  SqliteTable*& known = of_origin_[&origin];
  if (known == nullptr) {
    const std::string name = table_name(config_.sqlite.table, origin);
    known = &tables_.try_emplace(name, database_, name).first->second;
  }
  return *known;
}

/// True where nothing is wrong; else remembers what.
bool SqliteSink::note(int result, const std::string& what) {
  if (result == SQLITE_OK) return true;
  error_ = what + " database " + path_ + ": ";
  if (result == SQLITE_INTERRUPT)
    error_ += "interrupted";
  else if (is_locked(result))
    error_ += "another program has locked it";
  else if (result == SQLITE_PROTOCOL)
    error_ += "the file system does not allow WAL mode";
  else
    error_ += sqlite3_extended_errcode(database_.get()) == result ? database_.error()
                                                                  : sqlite3_errstr(result);
  if (is_unusable(result)) is_set_up_ = false;
  return false;
}

/// Tables and columns that the transaction has made are gone, so what is known of them is as well.
void SqliteSink::roll_back() noexcept {
  of_origin_.clear();
  tables_.clear();
  if (database_.is_open() && database_.in_transaction()) database_.run("ROLLBACK");
}

std::vector<FrameRange> SqliteSink::abandon(const Batch& batch) {
  interrupted_ = false;
  return {{0, batch.frames.size()}};
}

int SqliteSink::on_busy(void* sink, int) {
  const auto* self = static_cast<const SqliteSink*>(sink);
  if (self->interrupted_.load() || Clock::now() >= self->give_up_) return 0;
  std::this_thread::sleep_for(kLockPause);
  return 1;
}

// ---- between batches

void SqliteSink::tick() {
  if (!is_set_up_) return;
  give_up_ = Clock::now();  // a lock is no reason to wait: there is a next time
  sync_when_due();
  if (!retention_.enabled()) return;
  const int result = retention_.step(system_files().now_ns());
  std::uint64_t suppressed = 0;
  if (result == SQLITE_OK || is_locked(result) ||
      !retention_limit_.allow(log::steady_ms(), suppressed))
    return;
  log::warn("old rows cannot be removed, will try again", {{"sink", config_.name},
                                                           {"path", path_},
                                                           {"reason", database_.error()},
                                                           {"suppressed", suppressed}});
}

void SqliteSink::sync_when_due() {
  if (!unsynced_ || Clock::now() - last_sync_ < config_.sync_interval) return;
  last_sync_ = Clock::now();
  sync();
}

void SqliteSink::sync() {
  if (unsynced_ && database_.sync() == SQLITE_OK) unsynced_ = false;
}

Result<void> SqliteSink::close() {
  disconnect();
  return {};
}

}  // namespace penstock
