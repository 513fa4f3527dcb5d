#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "server/pipeline/ledger.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;

namespace {

/// What log_ledger writes to stderr.
std::string logged(const LedgerSnapshot& snapshot) {
  const test::TempDir dir;
  const int before = ::dup(STDERR_FILENO);
  const int file = ::open((dir / "log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ::dup2(file, STDERR_FILENO);
  log_ledger(snapshot);
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(file);
  return test::read_file(dir / "log");
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("ledger log: one line a listener and one a route, only reasons that occurred",
          "[ledger]") {
  Ledger ledger(1);
  UrlCell& cell = *ledger.url("syslog", "tcp://[::]:514").cells[0];
  cell.read_bytes.add(10);
  cell.in_frames_bytes.add(7);
  cell.discarded_bytes[static_cast<std::size_t>(Reason::kTailReset)].add(3);
  cell.frames.add(2);
  cell.decoded.add(1);
  cell.events.add(1);
  cell.rejected[static_cast<std::size_t>(Reason::kTailReset)].add(1);
  cell.ended[static_cast<std::size_t>(ConnectionEnd::kClean)].add(4);
  cell.ended[static_cast<std::size_t>(ConnectionEnd::kProbe)].add(5);
  RouteLedger& route = ledger.route("syslog", "archive");
  route.events = 5;
  route.delivered = 3;
  count_loss(route, RouteLoss::kLeftover, 2);

  const std::string text = logged(ledger.snapshot());
  CAPTURE(text);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(holds(text, " info  ledger of a listener listener=syslog read_bytes=10 "));
  CHECK(holds(text, " in_frames_bytes=7 "));
  CHECK(holds(text, " discarded_bytes=tail_reset:3 "));
  CHECK(holds(text, " ended=clean:4,probe:5 "));
  CHECK(holds(
      text,
      " info  ledger of a route listener=syslog sink=archive events=5 recovered=0 delivered=3 "
      "queued=0 lost=leftover:2"));
  CHECK_FALSE(holds(text, "OFF"));
  CHECK_FALSE(holds(text, "oversize"));
}

TEST_CASE("ledger log: a ledger that is off is an error line", "[ledger]") {
  Ledger ledger(1);
  ledger.url("l", "u").cells[0]->frames.add(1);
  ledger.route("l", "s").events = 1;
  const std::string text = logged(ledger.snapshot());
  CAPTURE(text);
  CHECK(holds(text, "error ledger of a listener listener=l"));
  CHECK(holds(text, "error ledger of a route listener=l"));
  CHECK(text.find("balance=OFF") != text.rfind("balance=OFF"));
  CHECK_FALSE(holds(text, "balance=ok"));
}
