#include "server/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "server/log/escape.h"
#include "server/log/stderr_writer.h"

namespace penstock::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) noexcept {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view level_name(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::debug: return "debug";
    case spdlog::level::warn: return "warn";
    case spdlog::level::err: return "error";
    default: return "info";
  }
}

/// ANSI colour of the level word; the messages themselves stay plain.
std::string_view level_colour(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::debug: return "\033[36m";
    case spdlog::level::warn: return "\033[33m";
    case spdlog::level::err: return "\033[31m";
    default: return "\033[32m";
  }
}

/// The level in our words: spdlog's own names are fixed when its library is built ("warning").
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view name = level_name(message.level);
    out.append(name.data(), name.data() + name.size());
    for (std::size_t i = name.size(); padinfo_.enabled() && i < padinfo_.width_; ++i)
      out.push_back(' ');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

std::string text_payload(std::string_view message, Fields fields) {
  std::string line;
  append_plain(line, message);
  for (const Field& field : fields) {
    line += ' ';
    append_plain(line, field.key);
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

void append_json_key(std::string& line, std::string_view key) {
  constexpr std::array<std::string_view, 3> kOwn{"time", "level", "message"};
  const bool taken = std::find(kOwn.begin(), kOwn.end(), key) != kOwn.end();
  append_json_string(line, taken ? std::string(key) + '_' : std::string(key));
}

std::string json_payload(std::string_view message, Fields fields) {
  std::string line = "\"message\":";
  append_json_string(line, message);
  for (const Field& field : fields) {
    line += ',';
    append_json_key(line, field.key);
    line += ':';
    if (field.number && is_json_number(field.value)) {
      line += field.value;
    } else {
      append_json_string(line, field.value);
    }
  }
  return line;
}

std::string make_payload(Format format, std::string_view message, Fields fields) {
  return format == Format::kJson ? json_payload(message, fields) : text_payload(message, fields);
}

/// Lines that stderr did not take are counted and named as soon as one gets through again.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(Format format) noexcept
      : format_(format), colours_(format == Format::kText && stderr_shows_colours()) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!put(message)) {
      ++lost_;
    } else if (lost_ > 0 && put_lost(message.time)) {
      lost_ = 0;
    }
  }

  bool put_lost(spdlog::log_clock::time_point time) {
    const std::string payload =
        make_payload(format_, "log lines lost: stderr did not take them", {{"lines", lost_}});
    return put({time, {}, "", spdlog::level::warn, {payload.data(), payload.size()}});
  }

  bool put(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string line(formatted.data(), formatted.size());
    if (colours_ && message.color_range_end > message.color_range_start) {
      line.insert(message.color_range_end, "\033[0m");
      line.insert(message.color_range_start, level_colour(message.level));
    }
    return writer_.write(line);
  }
  void flush_() override {}

  StderrWriter writer_;
  std::uint64_t lost_ = 0;
  const Format format_;
  const bool colours_;
};

std::unique_ptr<spdlog::formatter> make_formatter(Format format) {
  constexpr const char* kText = "%Y-%m-%dT%H:%M:%S.%eZ %^%-5*%$ %v";
  constexpr const char* kJson = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%*",%v})";
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<LevelFlag>('*').set_pattern(format == Format::kJson ? kJson : kText);
  return formatter;
}

std::unique_ptr<spdlog::logger> make_logger(Level level, Format format) {
  auto sink = std::make_shared<StderrSink>(format);
  sink->set_formatter(make_formatter(format));
  auto logger = std::make_unique<spdlog::logger>("penstock", std::move(sink));
  logger->set_level(spdlog_level(level));
  logger->set_error_handler(
      [](const std::string&) {});  // stderr is all we have: nowhere to complain
  return logger;
}

struct State {
  Format format = Format::kText;
  std::unique_ptr<spdlog::logger> logger = make_logger(Level::kInfo, Format::kText);
};

/// Never destroyed: threads and static destructors may log until the very end.
State& state() {
  static State* const instance = new State;
  return *instance;
}

}  // namespace

void setup(Level level, Format format) {
  State& current = state();
  current.format = format;
  current.logger = make_logger(level, format);
}

bool enabled(Level level) noexcept { return state().logger->should_log(spdlog_level(level)); }

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  State& current = state();
  const std::string payload = make_payload(current.format, message, fields);
  current.logger->log(spdlog_level(level), spdlog::string_view_t(payload.data(), payload.size()));
}

}  // namespace penstock::log
