#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// The log: one line an occurrence, on stderr, as text (`time level message key=value ...`) or JSON. Any thread.
/// Values that hold blanks, quotes or control bytes are quoted and escaped, so that bytes from peers never reach a
/// terminal raw; an escape counts only between quotes. A reader of stderr that stands still costs lines, never the
/// server's time (stderr_writer.h). No line is written on the per-event path (STYLE.md section 13). spdlog is included
/// in log.cpp only.
namespace penstock::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kText, kJson };

/// One `key=value` behind the message.
struct Field {
  std::string_view key;
  std::string value;
  bool number = false;  ///< JSON writes it without quotes (unless it is none, such as "nan")

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <class T, std::enable_if_t<std::is_arithmetic_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)), number(true) {}
};
using Fields = std::initializer_list<Field>;

/// Before the other threads start; lines before that go out as text at level info. Descriptor 2 must not be free for
/// others to take (standard_descriptors.h).
void setup(Level level, Format format);

bool enabled(Level level) noexcept;
void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::kDebug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::kInfo, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::kWarn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::kError, message, fields);
}

/// Lets through at most `burst` lines a `interval_ms`, then says how many were held back with the next one that passes.
/// One object a kind of trouble and owner (a listener); one thread at a time.
class RateLimit {
 public:
  explicit RateLimit(unsigned burst = 5, std::int64_t interval_ms = 10'000) noexcept
      : burst_(burst), interval_ms_(interval_ms) {}

  /// `now_ms` is any monotonic clock, a loop's or steady_ms(). True: log it now; `suppressed` is then the number held back before.
  bool allow(std::int64_t now_ms, std::uint64_t& suppressed) noexcept;

 private:
  unsigned burst_;
  std::int64_t interval_ms_;
  std::int64_t window_start_ms_ = 0;
  unsigned used_ = 0;
  std::uint64_t held_ = 0;
  bool started_ = false;
};

/// The monotonic clock of threads that have no loop, in milliseconds.
std::int64_t steady_ms() noexcept;

/// `text` with control bytes, quotes and backslashes as \n, \t, \xHH, \" and invalid UTF-8 as \xHH (lower-case digits);
/// the result is cut to `max` bytes, never inside an escape or a character. For messages and files: a Field's value is
/// escaped by write().
std::string escaped(std::string_view text, std::size_t max = 256);

}  // namespace penstock::log
