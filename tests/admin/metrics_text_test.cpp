#include "server/admin/metrics_text.h"

#include <catch2/catch.hpp>
#include <map>
#include <regex>
#include <set>
#include <sstream>

using namespace penstock;
using namespace penstock::admin;

namespace {

/// A tcp and a udp URL, a required sink and a best-effort one; a little of everything.
Status example() {
  Status status;
  status.version = "1.2.3";
  status.started_ns = 1'700'000'000'250'000'000;
  status.phase = Phase::kServing;
  ListenerStatus listener;
  listener.protocol = "raw";
  listener.framing = "newline";
  listener.totals.name = "syslog";
  listener.totals.batch_events = Histogram(kCountBounds).totals();
  listener.totals.batch_bytes = Histogram(kByteBounds).totals();
  UrlStatus tcp, udp;
  tcp.totals.url = "tcp://[::]:514";
  tcp.totals.read_bytes = 700;
  tcp.totals.counts.rejected[static_cast<std::size_t>(Reason::kOversize)] = 3;
  tcp.totals.ended[static_cast<std::size_t>(ConnectionEnd::kResetByUs)] = 2;
  tcp.kernel = {.receive_queue_bytes = 11, .accept_queue = 5, .backlog = 128};
  udp.totals.url = "udp://[::]:514";
  udp.totals.kernel_drops = 9;
  udp.kernel = {.receive_queue_bytes = 22, .receive_buffer_bytes = 212'992};
  listener.urls = {tcp, udp};
  listener.shut_by = {"archive"};
  status.listeners.push_back(listener);
  for (const std::string sink : {"archive", "copy"}) {
    RouteStatus route;
    route.totals.listener = "syslog";
    route.totals.sink = sink;
    Histogram delivery(kDelayBounds);
    delivery.add(1, 4);
    route.totals.delivery_ns = delivery.totals();
    route.required = sink == "archive";
    status.routes.push_back(route);
    SinkStatus one;
    one.name = sink;
    one.type = "file";
    one.failing = one.name == "copy";
    status.sinks.push_back(one);
  }
  status.routes[1].totals.lost[static_cast<std::size_t>(RouteLoss::kQueueFull)] = 17;
  LoopTotals loop;
  loop.turn_ns = Histogram(kTurnBounds).totals();
  status.loops = {loop, loop};
  status.memory.pressed = true;
  status.quarantine.by_reason = {{"oversize", "syslog", 3, 90}, {"undelivered", "gone", 1, 2}};
  return status;
}

std::string text_of(const Status& status) {
  std::string text;
  append_metrics(text, status);
  return text;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) found.push_back(line);
  return found;
}

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

/// `penstock_x_bucket` is a sample of the histogram `penstock_x`.
std::string metric_of(const std::string& sample, const std::map<std::string, std::string>& types) {
  const std::string name = sample.substr(0, sample.find_first_of("{ "));
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
      continue;
    const auto found = types.find(name.substr(0, name.size() - suffix.size()));
    if (found != types.end() && found->second == "histogram") return found->first;
  }
  return name;
}

}  // namespace

TEST_CASE("metrics: every line keeps to the grammar, each metric stands together, no sample twice",
          "[admin][metrics]") {
  std::string text = text_of(example());
  append_process_metrics(text);
  REQUIRE(text.back() == '\n');
  const std::regex help(R"(# HELP ([a-z][a-z0-9_]*) [A-Z0-9][^\\]*\.)");
  const std::regex type(R"(# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram))");
  const std::regex sample(
      R"(([a-z][a-z0-9_]*)(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? (-?[0-9.]+(e[+-]?[0-9]+)?))");
  std::map<std::string, std::string> types;
  std::set<std::string> samples;
  std::string current;
  std::smatch found;
  for (const std::string& line : lines(text)) {
    CAPTURE(line);
    if (std::regex_match(line, found, help)) {
      current = found[1];
      CHECK(types.count(current) == 0);
    } else if (std::regex_match(line, found, type)) {
      CHECK(found[1] == current);
      types[current] = found[2];
      const bool total = std::regex_match(current, std::regex(".*_total"));
      CHECK(total == (found[2] == "counter"));
    } else {
      REQUIRE(std::regex_match(line, found, sample));
      CHECK(metric_of(line, types) == current);
      CHECK(samples.insert(line.substr(0, line.rfind(' '))).second);
    }
  }
  CHECK(types.size() > 60);
}

TEST_CASE("metrics: what the status says", "[admin][metrics]") {
  const std::string text = text_of(example());
  for (
      const std::string line : {
          R"(penstock_build_info{version="1.2.3"} 1)",
          R"(penstock_start_time_seconds 1700000000.25)",
          R"(penstock_ready 1)",
          R"(penstock_phase{phase="serving"} 1)",
          R"(penstock_phase{phase="draining"} 0)",
          R"(penstock_memory_pressed 1)",
          R"(penstock_listener_info{listener="syslog",protocol="raw",framing="newline"} 1)",
          R"(penstock_read_bytes_total{listener="syslog",url="tcp://[::]:514"} 700)",
          R"(penstock_frames_rejected_total{listener="syslog",url="tcp://[::]:514",reason="oversize"} 3)",
          R"(penstock_connections_ended_total{listener="syslog",url="tcp://[::]:514",outcome="reset_by_us"} 2)",
          R"(penstock_kernel_drops_total{listener="syslog",url="udp://[::]:514"} 9)",
          R"(penstock_kernel_receive_queue_bytes{listener="syslog",url="tcp://[::]:514"} 11)",
          R"(penstock_kernel_receive_queue_bytes{listener="syslog",url="udp://[::]:514"} 22)",
          R"(penstock_kernel_accept_queue_connections{listener="syslog",url="tcp://[::]:514"} 5)",
          R"(penstock_kernel_backlog_connections{listener="syslog",url="tcp://[::]:514"} 128)",
          R"(penstock_kernel_receive_buffer_bytes{listener="syslog",url="udp://[::]:514"} 212992)",
          R"(penstock_gate_shut{listener="syslog",by="archive"} 1)",
          R"(penstock_gate_shut{listener="syslog",by="memory"} 0)",
          R"(penstock_route_required{listener="syslog",sink="copy"} 0)",
          R"(penstock_events_lost_total{listener="syslog",sink="copy",reason="queue_full"} 17)",
          R"(penstock_delivery_seconds_bucket{listener="syslog",sink="copy",le="0.00025"} 4)",
          R"(penstock_delivery_seconds_bucket{listener="syslog",sink="copy",le="+Inf"} 4)",
          R"(penstock_sink_failing{sink="archive"} 0)",
          R"(penstock_sink_failing{sink="copy"} 1)",
          R"(penstock_loop_connections{loop="1"} 0)",
      }) {
    CAPTURE(line);
    CHECK(has(text, line));
  }
  CHECK(text.find("by=\"copy\"") == std::string::npos);  // a best-effort sink shuts no gate
}

TEST_CASE("metrics: what rate() is asked of is there from the start, and only where it can occur",
          "[admin][metrics]") {
  const std::string text = text_of(example());
  for (std::size_t at = 0; at < kConnectionEndCount; ++at) {
    const std::string label =
        "outcome=\"" + std::string(to_string(static_cast<ConnectionEnd>(at))) + "\"";
    CAPTURE(label);
    CHECK(text.find("url=\"tcp://[::]:514\"," + label) != std::string::npos);
    CHECK(text.find("url=\"udp://[::]:514\"," + label) == std::string::npos);
  }
  for (std::size_t at = 0; at < kRouteLossCount; ++at)
    CHECK(text.find("sink=\"archive\",reason=\"" +
                    std::string(penstock::to_string(static_cast<RouteLoss>(at))) + "\"} 0\n") !=
          std::string::npos);
  for (std::size_t at = 0; at < kReasonCount; ++at)
    CHECK(text.find("penstock_discarded_bytes_total{listener=\"syslog\",url=\"tcp://[::]:514\","
                    "reason=\"" +
                    std::string(penstock::to_string(static_cast<Reason>(at))) + "\"} 0\n") !=
          std::string::npos);
  CHECK(text.find("url=\"udp://[::]:514\",reason=\"oversize\"") != std::string::npos);
  CHECK(text.find("url=\"udp://[::]:514\",reason=\"tail_fin\"") == std::string::npos);
  CHECK(text.find("penstock_kernel_drops_total{listener=\"syslog\",url=\"tcp") ==
        std::string::npos);
}

TEST_CASE("metrics: what should not occur is told all the same", "[admin][metrics]") {
  Status status = example();
  status.listeners[0].urls[1].totals.counts.rejected[static_cast<std::size_t>(Reason::kTailFin)] =
      1;
  CHECK(has(
      text_of(status),
      R"(penstock_frames_rejected_total{listener="syslog",url="udp://[::]:514",reason="tail_fin"} 1)"));
}

TEST_CASE("metrics: names that other metrics have too", "[admin][metrics]") {
  Status status = example();
  status.listeners[0].urls[0].totals.url = "unix:///run/\"a\\b\".sock";
  status.routes[0].totals.sink = status.listeners[0].shut_by[0] = "memory";
  const std::string text = text_of(status);
  CHECK(has(text,
            R"(penstock_read_bytes_total{listener="syslog",url="unix:///run/\"a\\b\".sock"} 700)"));
  CHECK(has(text, R"(penstock_gate_shut{listener="syslog",by="memory"} 1)"));
  CHECK(!has(text, R"(penstock_gate_shut{listener="syslog",by="memory"} 0)"));
}

TEST_CASE("metrics: a server without anything is text all the same", "[admin][metrics]") {
  const std::string text = text_of({});
  CHECK(has(text, "penstock_ready 1"));
  CHECK(text.find("penstock_sink") == std::string::npos);
}

TEST_CASE("metrics: the process", "[admin][metrics]") {
  std::string text;
  append_process_metrics(text);
  for (const std::string name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                                 "process_open_fds ", "process_max_fds "})
    CHECK(text.find("\n" + name) != std::string::npos);
}
