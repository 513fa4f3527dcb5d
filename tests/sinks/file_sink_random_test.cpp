// Random batches through random trouble: at the end each file holds exactly the records that were reported delivered.
#include <catch2/catch.hpp>

#include <random>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/sinks/json_lines.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr unsigned kPeers = 4;

class Trouble {
 public:
  explicit Trouble(unsigned seed) : random_(seed) {
    config::Sink config{.name = "random", .path = dir_ / "{peer}"};
    config.sync =
        std::array{config::Sync::kNever, config::Sync::kAlways, config::Sync::kInterval}[below(3)];
    config.sync_interval = std::chrono::milliseconds(below(2));
    config.max_open_files = 1 + below(kPeers);
    config.newlines = below(2) ? config::Newlines::kEscape : config::Newlines::kReplace;
    json_ = below(3) == 0;
    if (json_) config.encoding = config::Encoding::kJson;
    escape_ = json_ || config.newlines == config::Newlines::kEscape ? "\\n" : " ";
    sink_.emplace(config, files_);
    if (!sink_->open()) std::abort();
  }

  void run_batch() {
    const Batch batch = random_batch();
    int tries = static_cast<int>(below(6));
    WriteStatus status;
    do {
      set_faults();
      status = sink_->write(batch);
      if (below(4) == 0) sink_->request_reopen();
    } while (status == WriteStatus::kRetry && tries-- > 0);
    std::vector<FrameRange> lost;
    if (status == WriteStatus::kRetry) {
      if (below(2)) files_.sync_error.clear();
      lost = sink_->abandon(batch);
    }
    std::vector<bool> delivered(batch.frames.size(), true);
    for (const FrameRange& range : lost) {
      for (std::size_t at = 0; at < range.count; ++at) delivered.at(range.first + at) = false;
    }
    for (std::size_t at = 0; at < delivered.size(); ++at) {
      if (delivered[at]) expected_[batch_peers_[at]] += batch_texts_[at];
    }
    if (below(3) == 0) sink_->tick();
  }

  void check() {
    files_.space = INT64_MAX;
    files_.sync_error.clear();
    files_.open_error.clear();
    sink_.reset();
    for (unsigned peer = 0; peer < kPeers; ++peer) {
      CHECK(read_file(dir_ / address_text(peer_number(peer))) == expected_[peer]);
    }
    CHECK(files_.open_now() == 0);
  }

 private:
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  static Peer peer_number(unsigned peer) {
    return inet_peer(10, 0, 0, static_cast<std::uint8_t>(peer));
  }

  Batch random_batch() {
    BatchBuilder builder;
    batch_peers_.clear();
    batch_texts_.clear();
    for (std::size_t segments = below(12); segments > 0; --segments) {
      const auto peer = static_cast<unsigned>(below(kPeers));
      const bool lines = below(3) != 0;
      std::vector<std::string> frames(below(5));
      for (std::string& frame : frames) {
        frame = std::to_string(++number_) + std::string(below(30), 'x');
        if (!lines && below(3) == 0) frame += "\n" + std::to_string(number_);
        std::string text = frame;
        if (const auto at = text.find('\n'); at != std::string::npos) text.replace(at, 1, escape_);
        batch_peers_.push_back(peer);
        batch_texts_.push_back(json_ ? json_line(kOrigin, peer_number(peer), text) : text + '\n');
      }
      lines ? builder.lines(kOrigin, peer_number(peer), 0, frames)
            : builder.opaque(kOrigin, peer_number(peer), 0, frames);
      if (below(3) == 0) builder.gap("\n");
    }
    return builder.take();
  }

  void set_faults() {
    files_.space = below(2) ? INT64_MAX : static_cast<std::int64_t>(below(json_ ? 1200 : 120));
    files_.most_at_once = below(2) ? SIZE_MAX : 1 + below(20);
    files_.interrupted_writes = static_cast<int>(below(3));
    const auto on_one_peer = [&](std::map<std::string, int>& errors, int error) {
      errors.clear();
      if (below(4) == 0) errors["10.0.0." + std::to_string(below(kPeers))] = error;
    };
    on_one_peer(files_.open_error, -EACCES);
    on_one_peer(files_.write_error, -EIO);
    on_one_peer(files_.sync_error, -EIO);
    files_.directory_sync_error = below(6) == 0 ? -EIO : 0;
    if (below(10) == 0) sink_->request_interrupt();
  }

  std::mt19937 random_;
  TempDir dir_;
  FaultyFiles files_;
  bool json_ = false;
  std::string escape_;
  std::optional<FileSink> sink_;
  unsigned number_ = 0;
  std::array<std::string, kPeers> expected_;
  std::vector<unsigned> batch_peers_;
  std::vector<std::string> batch_texts_;
};

}  // namespace

TEST_CASE("file sink: whatever fails, files hold exactly what was reported delivered, in order",
          "[sinks][random]") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Trouble trouble(seed);
    for (int batch = 0; batch < 15; ++batch) trouble.run_batch();
    trouble.check();
  }
}
