#include "server/log/log.h"

#include <fcntl.h>
#include <pty.h>
#include <rapidjson/document.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <limits>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/descriptors.h"

using namespace penstock;
using log::Format;
using log::Level;
using test::read_to_end;

namespace {

using Task = std::function<void()>;

/// Runs `task` in a process of its own, so that no test sees another's setup(). Its pid.
pid_t run_child(const Task& task) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    task();
    ::_exit(0);
  }
  return pid;
}

/// Exit status, or 1000 + signal.
int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// What `task` writes to stderr.
std::string captured(const Task& task) {
  std::array<int, 2> pipe_fds{};
  REQUIRE(::pipe2(pipe_fds.data(), O_CLOEXEC) == 0);
  const pid_t pid = run_child([&] {
    ::dup2(pipe_fds[1], STDERR_FILENO);
    ::close(pipe_fds[1]);
    task();
  });
  ::close(pipe_fds[1]);
  std::string text = read_to_end(pipe_fds[0]);
  ::close(pipe_fds[0]);
  CHECK(wait_for(pid) == 0);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(text.substr(start, end - start));
  }
  CHECK(start == text.size());
  return lines;
}

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_match(text, std::regex(pattern));
}

const std::string kTime = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";

rapidjson::Document parse_json(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  CAPTURE(text);
  REQUIRE_FALSE(document.HasParseError());
  REQUIRE(document.IsObject());
  return document;
}

}  // namespace

TEST_CASE("a text line is time, level, message and key=value", "[log]") {
  const std::string text = captured([] {
    log::setup(Level::kDebug, Format::kText);
    log::info("listening", {{"listener", "syslog"}, {"url", "tcp://[::]:5514"}});
    log::debug("d", {{"bytes", 17}});
    log::warn("odd thing", {{"peer", "a b\x1b[31m\n"}});
    log::error("e");
  });
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 4);
  CAPTURE(text);
  CHECK(matches(lines[0], kTime + R"( info  listening listener=syslog url=tcp://\[::\]:5514)"));
  CHECK(matches(lines[1], kTime + " debug d bytes=17"));
  CHECK(matches(lines[2], kTime + R"( warn  odd thing peer="a b\\x1b\[31m\\n")"));
  CHECK(matches(lines[3], kTime + " error e"));
}

TEST_CASE("the time is UTC whatever the zone of the machine", "[log]") {
  const std::string text = captured([] {
    ::setenv("TZ", "Asia/Kolkata", 1);
    ::tzset();
    log::setup(Level::kInfo, Format::kText);
    log::info("now");
  });
  std::tm fields{};
  REQUIRE(::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &fields) != nullptr);
  CHECK(std::abs(::timegm(&fields) - ::time(nullptr)) < 60);
}

TEST_CASE("before setup lines go out as text from level info on", "[log]") {
  const auto lines = lines_of(captured([] {
    log::debug("hidden");
    log::info("shown");
  }));
  REQUIRE(lines.size() == 1);
  CHECK(matches(lines[0], kTime + " info  shown"));
}

TEST_CASE("lines under the level are not written", "[log]") {
  const std::string text = captured([] {
    log::setup(Level::kError, Format::kText);
    if (log::enabled(Level::kWarn) || !log::enabled(Level::kError)) ::_exit(1);
    log::warn("hidden");
    log::error("shown");
  });
  CHECK(lines_of(text).size() == 1);
}

TEST_CASE("a JSON line is one object with time, level, message and the fields", "[log][json]") {
  const std::string text = captured([] {
    log::setup(Level::kInfo, Format::kJson);
    log::warn("odd \"thing\"\n\xff", {{"listener", "sys log"},
                                      {"bytes", std::uint64_t{18446744073709551615U}},
                                      {"ratio", 0.5},
                                      {"nan", std::numeric_limits<double>::quiet_NaN()},
                                      {"message", "own"},
                                      {"peer", std::string_view("\0\x1b\xc3", 3)}});
  });
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 1);
  const auto document = parse_json(lines[0]);
  CHECK(matches(document["time"].GetString(), kTime));
  CHECK(std::string(document["level"].GetString()) == "warn");
  CHECK(std::string(document["message"].GetString()) == "odd \"thing\"\n\\xff");
  CHECK(std::string(document["listener"].GetString()) == "sys log");
  CHECK(document["bytes"].GetUint64() == 18446744073709551615U);
  CHECK(document["ratio"].GetDouble() == 0.5);
  CHECK(document["nan"].IsString());
  CHECK(std::string(document["message_"].GetString()) == "own");
  CHECK(document["peer"].GetStringLength() == 6);
}

TEST_CASE("braces and percent signs in a message are no format", "[log]") {
  const std::string text = captured([] {
    log::setup(Level::kInfo, Format::kText);
    log::info("{} {0} %s %v %n", {{"k", "{}%n"}});
  });
  CHECK(matches(text, kTime + R"( info  \{\} \{0\} %s %v %n k=\{\}%n\n)"));
}

TEST_CASE("lines of several threads never mix", "[log]") {
  const std::string text = captured([] {
    log::setup(Level::kInfo, Format::kText);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 200; ++i)
          log::info(std::string(static_cast<std::size_t>(3000), static_cast<char>('a' + t)));
      });
    }
    for (auto& thread : threads) thread.join();
  });
  const auto lines = lines_of(text);
  CHECK(lines.size() == 800);
  for (const auto& line : lines) {
    if (line.size() != 31 + 3000 || line.find_first_not_of(line.back(), 31) != std::string::npos)
      FAIL(line);
  }
}

TEST_CASE("a line longer than a pipe holds comes out whole", "[log]") {
  const std::string text = captured([] {
    log::setup(Level::kInfo, Format::kText);
    log::info("long", {{"value", std::string(300'000, 'x')}});
  });
  CHECK(text.find(std::string(300'000, 'x') + "\n") != std::string::npos);
}

TEST_CASE("a closed stderr loses lines and nothing else", "[log]") {
  const pid_t pid = run_child([] {
    ::close(STDERR_FILENO);
    log::info("before setup");
    log::setup(Level::kInfo, Format::kText);
    log::info("to nobody");
  });
  CHECK(wait_for(pid) == 0);
}

TEST_CASE("a pipe without reader raises no SIGPIPE", "[log]") {
  std::array<int, 2> pipe_fds{};
  REQUIRE(::pipe2(pipe_fds.data(), O_CLOEXEC) == 0);
  const pid_t pid = run_child([&] {
    ::close(pipe_fds[0]);
    ::dup2(pipe_fds[1], STDERR_FILENO);
    log::setup(Level::kInfo, Format::kText);
    for (int i = 0; i < 100; ++i) log::info("to nobody");
  });
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
  CHECK(wait_for(pid) == 0);
}

TEST_CASE("a reader that stands still costs lines, not time, and learns how many", "[log]") {
  const bool nonblocking = GENERATE(false, true);
  std::array<int, 2> pipe_fds{};
  std::array<int, 2> stalled{};
  std::array<int, 2> resumed{};
  REQUIRE(::pipe2(pipe_fds.data(), O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)) == 0);
  REQUIRE(::pipe2(stalled.data(), O_CLOEXEC) == 0);
  REQUIRE(::pipe2(resumed.data(), O_CLOEXEC) == 0);
  const pid_t pid = run_child([&] {
    ::dup2(pipe_fds[1], STDERR_FILENO);
    log::setup(Level::kInfo, Format::kText);
    for (int i = 0; i < 1000; ++i) log::info(std::string(1000, 'x'));
    char byte = 's';
    if (::write(stalled[1], &byte, 1) != 1 || ::read(resumed[0], &byte, 1) != 1) ::_exit(1);
    log::info("resumed");
  });
  ::close(pipe_fds[1]);
  char byte = 0;
  REQUIRE(::read(stalled[0], &byte, 1) == 1);
  std::vector<char> held(1 << 20);
  const ssize_t n = ::read(pipe_fds[0], held.data(), held.size());
  REQUIRE(n > 0);
  REQUIRE(::fcntl(pipe_fds[0], F_SETFL, 0) == 0);
  REQUIRE(::write(resumed[1], "r", 1) == 1);
  const auto lines =
      lines_of(std::string(held.data(), static_cast<std::size_t>(n)) + read_to_end(pipe_fds[0]));
  CHECK(wait_for(pid) == 0);
  for (const int fd : {pipe_fds[0], stalled[0], stalled[1], resumed[0], resumed[1]}) ::close(fd);
  REQUIRE(lines.size() > 20);
  CHECK(lines[lines.size() - 2].ends_with("info  resumed"));
  CHECK(matches(lines.back(),
                kTime + R"( warn  log lines lost: stderr did not take them lines=\d+)"));
  const auto lost = std::stoul(lines.back().substr(lines.back().rfind('=') + 1));
  CHECK(lines.size() - 2 + lost >= 1000);  // at most one line is both cut and counted
  CHECK(lines.size() - 2 + lost <= 1001);
}

TEST_CASE("colours are for terminals only, and never in JSON", "[log]") {
  const Format format = GENERATE(Format::kText, Format::kJson);
  const std::string term = GENERATE(as<std::string>{}, "xterm", "dumb");
  const bool no_color = GENERATE(false, true);
  int main_fd = -1;
  int terminal_fd = -1;
  REQUIRE(::openpty(&main_fd, &terminal_fd, nullptr, nullptr, nullptr) == 0);
  const pid_t pid = run_child([&] {
    ::dup2(terminal_fd, STDERR_FILENO);
    ::setenv("TERM", term.c_str(), 1);
    no_color ? ::setenv("NO_COLOR", "1", 1) : ::unsetenv("NO_COLOR");
    log::setup(Level::kInfo, format);
    log::warn("m");
  });
  CHECK(wait_for(pid) == 0);
  std::array<char, 4096> buffer{};
  const ssize_t n = ::read(main_fd, buffer.data(), buffer.size());
  ::close(terminal_fd);
  ::close(main_fd);
  REQUIRE(n > 0);
  const std::string text(buffer.data(), static_cast<std::size_t>(n));
  const bool coloured = text.find("\033[33mwarn \033[0m m") != std::string::npos;
  CHECK(coloured == (format == Format::kText && term == "xterm" && !no_color));
  CHECK((text.find('\033') != std::string::npos) == coloured);
}
