#include <signal.h>

#include <catch2/catch.hpp>

#include "server/net/check_listen.h"
#include "tests/net/address_support.h"
#include "tests/support/files.h"

using namespace penstock;
using namespace penstock::test;
using Verdict = BindReport::Verdict;

namespace {

std::vector<BindReport> reports_for(const std::vector<std::string>& urls, std::size_t buffer = 0) {
  config::Listener listener;
  listener.name = "a";
  listener.receive_buffer_bytes = buffer;
  for (const std::string& url : urls) listener.listen.push_back({url, {3, 9}});
  config::Config config;
  config.listeners.push_back(listener);
  return test_bind(config);
}

BindReport report_for(const std::string& url, std::size_t buffer = 0) {
  const auto reports = reports_for({url}, buffer);
  REQUIRE(reports.size() == 1);
  return reports.front();
}

/// A copy of a small program called `penstock` that holds what this process holds, until it is killed.
class FakePenstock {
 public:
  explicit FakePenstock(const SharedDir& dir, int fd) {
    const std::string program = dir / "penstock";
    std::filesystem::copy_file("/bin/sleep", program);
    int gate[2];
    if (::pipe2(gate, O_CLOEXEC) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::fcntl(fd, F_SETFD, 0);
      ::execl(program.c_str(), "penstock", "300", nullptr);
      ::_exit(1);
    }
    ::close(gate[1]);
    char byte = 0;
    while (::read(gate[0], &byte, 1) > 0) {
    }  // end of file: exec has closed the other end
    ::close(gate[0]);
  }
  FakePenstock(const FakePenstock&) = delete;
  FakePenstock& operator=(const FakePenstock&) = delete;
  ~FakePenstock() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a free inet address is ok, with the buffer it would have", "[test_bind]") {
  const BindReport report = report_for("udp://127.0.0.1:0", 100'000);
  CHECK(report.verdict == Verdict::kOk);
  CHECK(report.listener == "a");
  CHECK(report.place.line == 3);
  CHECK(report.address == "udp://127.0.0.1:0");
  CHECK(report.asked_buffer_bytes == 100'000);
  CHECK(report.receive_buffer_bytes == 200'000);
  CHECK(report.rmem_max_bytes > 0);
  CHECK(
      to_string(report) ==
      "listener \"a\": udp://127.0.0.1:0: ok, receive buffer 200000 bytes effective, 100000 asked, "
      "net.core.rmem_max " +
          std::to_string(report.rmem_max_bytes));
}

TEST_CASE("a buffer that the kernel cuts is told with the limit", "[test_bind]") {
  const std::string text = in_child(
      kNobody, [] { return to_string(reports_for({"udp://127.0.0.1:0"}, 1 << 30).front()); });
  CHECK(text.find(", 1073741824 asked: smaller than asked, net.core.rmem_max ") !=
        std::string::npos);
}

TEST_CASE("a report has no control bytes", "[test_bind]") {
  const SharedDir dir;
  const std::string text = to_string(report_for("unix://" + dir / "a\x1b[31m"));
  CHECK(text.find("a\\u001b[31m: ok") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(to_string(report_for("unix://" + dir / "none\n/a")).find('\n') == std::string::npos);
}

TEST_CASE("nothing stays bound", "[test_bind]") {
  auto sockets = open_url("udp://127.0.0.1:0");
  REQUIRE(sockets);
  const std::string url = sockets->front().url;
  sockets->clear();
  CHECK(report_for(url).verdict == Verdict::kOk);
  CHECK(bind_message(url) == "bound");
}

TEST_CASE("an address that another program holds is an error that names it", "[test_bind]") {
  const auto scheme = GENERATE("tcp", "udp");
  auto sockets = open_url(std::string(scheme) + "://127.0.0.1:0");
  REQUIRE(sockets);
  REQUIRE(start_listening(sockets->front(), 0));
  const BindReport report = report_for(sockets->front().url);
  CHECK(report.verdict == Verdict::kError);
  CHECK(report.text.rfind("address already in use (by pid " + std::to_string(getpid()), 0) == 0);
}

TEST_CASE("an address that a running Penstock holds is a note", "[test_bind]") {
  const auto scheme = GENERATE("tcp", "udp", "tcp6");
  const SharedDir dir;
  auto sockets = open_url(std::string(scheme) + "://:0");
  REQUIRE(sockets);
  REQUIRE(start_listening(sockets->front(), 0));
  const std::string url = sockets->front().url;
  const FakePenstock running(dir, sockets->front().fd.get());
  sockets->clear();
  const BindReport report = report_for(url);
  CHECK(report.verdict == Verdict::kNote);
  CHECK(report.text == "a running Penstock holds it: address already in use (by pid " +
                           std::to_string(running.pid()) + " (penstock))");
}

TEST_CASE("what does not resolve is an error", "[test_bind]") {
  const BindReport report = report_for("tcp://no-such-host.invalid:514");
  CHECK(report.verdict == Verdict::kError);
  CHECK(report.address.empty());
  CHECK(report.text.find("no such host") != std::string::npos);
}

TEST_CASE("entries that meet only after resolving are found", "[test_bind]") {
  auto free = open_url("tcp4://127.0.0.1:0");
  REQUIRE(free);
  const std::string port = ':' + std::to_string(port_of(free->front().address));
  free->clear();
  const auto reports = reports_for({"tcp4://localhost" + port, "tcp://127.0.0.1" + port});
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].verdict == Verdict::kOk);
  CHECK(reports[1].verdict == Verdict::kError);
  CHECK(reports[1].text == "conflicts with \"tcp4://localhost" + port + "\" of this file");
}

TEST_CASE("unix paths are examined and never touched", "[test_bind]") {
  const SharedDir dir;
  const std::string url = "unixgram://" + dir / "s";
  SECTION("free") {
    const BindReport report = report_for(url);
    CHECK(report.verdict == Verdict::kOk);
    CHECK(report.text == "the path is free");
    CHECK(report.max_dgram_qlen > 0);
    CHECK(dir.list().empty());
  }
  SECTION("no directory") {
    const BindReport report = report_for("unix://" + dir / "no/s");
    CHECK(report.verdict == Verdict::kError);
    CHECK(report.text == "directory " + dir / "no" + " does not exist");
    CHECK(report.max_dgram_qlen == 0);
  }
  SECTION("stale") {
    foreign_server(dir / "s", SOCK_DGRAM, false);
    const BindReport report = report_for(url);
    CHECK(report.verdict == Verdict::kOk);
    CHECK(report.text == "a stale socket is there and would be replaced");
    CHECK(dir.list() == "s");
  }
  SECTION("a live stranger") {
    const UniqueFd server = foreign_server(dir / "s", SOCK_STREAM, true);
    const BindReport report = report_for(url);
    CHECK(report.verdict == Verdict::kError);
    CHECK(report.text.rfind("a live server holds it (by pid " + std::to_string(getpid()), 0) == 0);
    CHECK(dir.list() == "s");
  }
  SECTION("a running Penstock, by its lock") {
    const auto running = open_url(url);
    REQUIRE(running);
    const BindReport report = report_for(url);
    CHECK(report.verdict == Verdict::kNote);
    CHECK(report.text == "a running Penstock holds it (pid " + std::to_string(getpid()) + ')');
    CHECK(dir.list() == "s s.lock");
  }
  SECTION("not a socket") {
    ::mkdir((dir / "s").c_str(), 0755);
    CHECK(report_for(url).verdict == Verdict::kError);
  }
  SECTION("a lock file of another user") {
    test::write_file(dir / "s.lock", "");
    ::chmod((dir / "s.lock").c_str(), 0600);
    if (::geteuid() == 0) {
      CHECK(in_child(kNobody,
                     [&] {
                       const BindReport report = reports_for({url}).front();
                       return report.verdict == Verdict::kError ? report.text : "no error";
                     })
                .starts_with("lock file " + dir / "s.lock" +
                             ": permission denied, it belongs to root"));
    }
    CHECK(report_for(url).verdict == Verdict::kOk);
  }
  SECTION("a folder we may not write to") {
    ::chmod(dir.path().c_str(), 0555);
    if (::geteuid() == 0) {
      CHECK(in_child(kNobody, [&] { return reports_for({url}).front().text; }) ==
            "directory " + dir.path() + "/ is not writable");
    }
  }
}

TEST_CASE("abstract names are looked up, not bound", "[test_bind]") {
  const std::string url = "unix://@penstock-test-bind-" + std::to_string(getpid());
  CHECK(report_for(url).verdict == Verdict::kOk);
  const auto held = open_url(url);
  REQUIRE(held);
  CHECK(report_for(url).verdict == Verdict::kError);
}
