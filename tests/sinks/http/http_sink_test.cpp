#include "server/sinks/http/http_sink.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "tests/sinks/batches.h"
#include "tests/sinks/http/http_server.h"

using namespace penstock;
using test::BatchBuilder;
using test::http_answer;
using test::HttpRequest;
using test::HttpServer;
using Lines = std::vector<std::string>;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};
constexpr std::chrono::milliseconds kWait{100};

Batch lines(const std::vector<std::string>& records) {
  return BatchBuilder(std::size_t{1} << 20).opaque(kOrigin, {}, 0, records).take();
}

Lines numbered(std::size_t first, std::size_t count) {
  Lines records;
  for (std::size_t at = first; at < first + count; ++at) records.push_back(std::to_string(at));
  return records;
}

config::Sink sink_to(const std::string& url, config::HttpSink http = {}) {
  http.endpoint = url;
  config::Sink sink{.name = "out", .type = config::SinkType::kHttp};
  sink.http = std::move(http);
  return sink;
}

/// What the runner does: batches in order, again after each kRetry, without its pauses; gives all that was delivered, in
/// its order, and counts what was refused.
class Run {
 public:
  explicit Run(HttpSink& sink) : sink_(sink) {}

  void write(const Batch& batch) { say(batch, sink_.write(batch)); }

  /// Until nothing is pending or to be written again; at most `rounds` of trouble.
  void finish(int rounds = 1000) {
    while ((!pending.empty() || !again.empty()) && rounds > 0) {
      if (!again.empty()) {
        const Batch* const batch = again.front();
        again.erase(again.begin());
        --rounds;
        say(*batch, sink_.write(*batch));
      }
      if (!pending.empty())
        for (const Finished& finished : sink_.poll(kWait)) say(*finished.batch, finished.status);
    }
  }

  /// Records.
  std::size_t refused() const {
    std::size_t records = 0;
    for (const Undeliverable& loss : losses) records += loss.frames.count;
    return records;
  }

  std::vector<const Batch*> pending, again, delivered;
  std::vector<Undeliverable> losses;
  std::vector<std::string> errors;

 private:
  void say(const Batch& batch, WriteStatus status) {
    std::erase(pending, &batch);
    if (status == WriteStatus::kPending) pending.push_back(&batch);
    if (status == WriteStatus::kRetry) {
      again.push_back(&batch);
      errors.push_back(sink_.last_error());
    }
    if (status != WriteStatus::kDelivered) return;
    delivered.push_back(&batch);
    for (Undeliverable& loss : sink_.undeliverable(batch)) losses.push_back(std::move(loss));
  }

  HttpSink& sink_;
};

/// The texts of Splunk's events, a list a request.
std::vector<Lines> events_of(const Lines& bodies) {
  constexpr std::string_view kEvent = R"("event":")";
  std::vector<Lines> requests;
  for (const std::string& body : bodies) {
    Lines& events = requests.emplace_back();
    for (std::size_t at = 0; (at = body.find(kEvent, at)) != std::string::npos;) {
      at += kEvent.size();
      events.push_back(body.substr(at, body.find('"', at) - at));
    }
  }
  return requests;
}

std::string ok(const HttpRequest&) { return http_answer("204 No Content"); }

}  // namespace

TEST_CASE("http sink: a request goes out at once, what comes meanwhile goes together",
          "[sinks][http]") {
  std::promise<void> first_came, go_on;
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest&) {
    if (count++ == 0) {
      first_came.set_value();
      go_on.get_future().wait();
    }
    return http_answer("200 OK");
  });
  config::HttpSink http;
  http.headers = {{"X-Test", "yes", {}, {}}};
  HttpSink sink(sink_to(server.url("/in?x=1"), http));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch one = lines({"one"}), two = lines({"two"}), three = lines({"three"});
  run.write(one);
  for (bool came = false; !came;) {
    CHECK(sink.poll(std::chrono::milliseconds(5)).empty());
    came = count != 0;
  }
  first_came.get_future().wait();
  run.write(two);
  run.write(three);
  CHECK(sink.poll(std::chrono::milliseconds(0)).empty());
  go_on.set_value();
  run.finish();
  CHECK(run.delivered == std::vector<const Batch*>{&one, &two, &three});
  CHECK(server.bodies() == Lines{"one\n", "two\nthree\n"});
  const std::string head = server.requests().at(0).head;
  CHECK(head.starts_with("POST /in?x=1 HTTP/1.1\r\n"));
  CHECK(head.find("\r\nX-Test: yes\r\n") != std::string::npos);
  CHECK(head.find("\r\nContent-Type: text/plain; charset=utf-8\r\n") != std::string::npos);
  CHECK(head.find("Expect") == std::string::npos);
  CHECK(sink.close());
}

TEST_CASE("http sink: a batch is cut into requests of batch_bytes", "[sinks][http]") {
  HttpServer server(ok);
  HttpSink sink(sink_to(server.url(), {.batch_bytes = 1024}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines(std::vector<std::string>(100, std::string(99, 'x')));
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  std::size_t bytes = 0;
  for (const std::string& body : server.bodies()) {
    CHECK(body.size() <= 1100);
    bytes += body.size();
  }
  CHECK(bytes == 10'000);
  CHECK(server.bodies().size() == 10);
}

TEST_CASE("http sink: what fails for now is sent again, in its order, and nothing before it",
          "[sinks][http]") {
  const std::string trouble = GENERATE(as<std::string>{}, "", "500 Internal Server Error",
                                       "503 Busy", "429 Too Many", "401 Who", "404 No Such");
  CAPTURE(trouble);
  std::atomic<int> left{5};
  HttpServer server([&](const HttpRequest&) {
    if (left-- > 0) return trouble.empty() ? trouble : http_answer(trouble, "wait");
    return http_answer("200 OK");
  });
  HttpSink sink(sink_to(server.url("/p?secret=1"), {.batch_bytes = 1024}));
  REQUIRE(sink.open());
  Run run(sink);
  std::vector<Batch> batches;
  for (std::size_t at = 0; at < 20; ++at) batches.push_back(lines(numbered(100 * at, 100)));
  for (const Batch& batch : batches) run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 20);
  CHECK(run.errors.size() == 5);
  const std::string begin = "POST " + server.url("/p") + ": ";
  CHECK(run.errors.at(0).starts_with(begin));
  if (!trouble.empty())
    CHECK(run.errors.at(0) == begin + "status " + trouble.substr(0, 3) + ": wait");
  std::string all;
  const Lines bodies = server.bodies();
  for (std::size_t at = 5; at < bodies.size(); ++at) all += bodies[at];
  std::string expected;
  for (const std::string& number : numbered(0, 2000)) expected += number + '\n';
  CHECK(all == expected);
}

TEST_CASE("http sink: nobody listens, then somebody does", "[sinks][http]") {
  std::string url;
  {
    HttpServer gone(ok);
    url = gone.url();
  }
  HttpSink sink(sink_to(url));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines({"one"});
  run.write(batch);
  run.finish(3);
  CHECK(run.delivered.empty());
  REQUIRE(!run.errors.empty());
  CHECK(run.errors[0].find("onnect") != std::string::npos);
  const auto left = sink.abandon(batch);
  REQUIRE(left.size() == 1);
  CHECK((left[0].first == 0 && left[0].count == 1));
}

TEST_CASE("http sink: Retry-After is kept", "[sinks][http]") {
  HttpServer server(
      [](const HttpRequest&) { return http_answer("429 Too Many", "", "Retry-After: 3600\r\n"); });
  HttpSink sink(sink_to(server.url()));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines({"one"});
  run.write(batch);
  run.finish(20);
  CHECK(run.delivered.empty());
  CHECK(server.requests().size() == 1);
  CHECK(run.errors.back().ends_with("status 429"));
}

TEST_CASE("http sink: the records that a request is refused for are found, the others arrive once",
          "[sinks][http]") {
  HttpServer server([](const HttpRequest& request) {
    return request.body.find("bad") == std::string::npos ? http_answer("204 No Content")
                                                         : http_answer("400 Bad", "bad record");
  });
  HttpSink sink(sink_to(server.url()));
  REQUIRE(sink.open());
  Run run(sink);
  Lines records = numbered(0, 1000);
  records[137] = "bad";
  records[900] = "bad too";
  const Batch batch = lines(records), next = lines({"next"});
  run.write(batch);
  run.write(next);
  run.finish();
  CHECK(run.delivered == std::vector<const Batch*>{&batch, &next});
  REQUIRE(run.losses.size() == 2);
  CHECK((run.losses[0].frames.first == 137 && run.losses[0].frames.count == 1));
  CHECK((run.losses[1].frames.first == 900 && run.losses[1].frames.count == 1));
  CHECK(run.losses[0].loss == RouteLoss::kRefused);
  CHECK(run.losses[0].answer == "status 400: bad record");
  std::string taken;
  for (const HttpRequest& request : server.requests())
    if (request.body.find("bad") == std::string::npos) taken += request.body;
  std::string expected;
  for (const std::string& record : records)
    if (!record.starts_with("bad")) expected += record + '\n';
  CHECK(taken == expected + "next\n");
}

TEST_CASE("http sink: a server that refuses everything is asked a bounded number of times",
          "[sinks][http]") {
  HttpServer server([](const HttpRequest&) { return http_answer("400 Bad", "no"); });
  HttpSink sink(sink_to(server.url()));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines(numbered(0, 5000));
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  CHECK(run.refused() == 5000);
  CHECK(server.requests().size() <= 65);
}

TEST_CASE("http sink: of an answer to _bulk only what it says counts", "[sinks][http]") {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest& request) {
    if (count++ == 0) {
      return http_answer(
          "200 OK",
          R"({"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":"x"}},)"
          R"({"create":{"status":503}},{"create":{"status":201}}]})");
    }
    CHECK(request.body.find("\"message\":\"2\"") != std::string::npos);
    CHECK(request.body.find("\"message\":\"3\"") == std::string::npos);
    return http_answer("200 OK", R"({"errors":false,"items":[{"create":{"status":201}}]})");
  });
  config::Sink config = sink_to(server.url(), {.preset = config::HttpPreset::kElasticsearch});
  config.encoding = config::Encoding::kJson;
  HttpSink sink(config);
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines(numbered(0, 4));
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  CHECK(server.requests().size() == 2);
  REQUIRE(run.errors.size() == 1);
  CHECK(run.errors[0].ends_with("status 503"));
  REQUIRE(run.losses.size() == 1);
  CHECK((run.losses[0].frames.first == 1 && run.losses[0].answer == "status 400: \"x\""));
}

TEST_CASE("http sink: Splunk's invalid event is left out, those behind it are sent again",
          "[sinks][http]") {
  HttpServer server([&](const HttpRequest& request) {
    const std::size_t bad = request.body.find("\"event\":\"bad\"");
    if (bad == std::string::npos) return http_answer("200 OK", R"({"text":"Success","code":0})");
    const auto before = std::count(request.body.begin(),
                                   request.body.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    return http_answer("400 Bad Request", R"({"text":"Invalid","code":6,"invalid-event-number":)" +
                                              std::to_string(before) + "}");
  });
  HttpSink sink(sink_to(server.url(), {.preset = config::HttpPreset::kSplunk}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines({"0", "bad", "2", "bad", "4"});
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  REQUIRE(run.losses.size() == 2);
  CHECK((run.losses[0].frames.first == 1 && run.losses[1].frames.first == 3));
  CHECK(events_of(server.bodies()) ==
        std::vector<Lines>{{"0", "bad", "2", "bad", "4"}, {"2", "bad", "4"}, {"4"}});
}

TEST_CASE("http sink: a token that may not write to the index is somebody's to mend",
          "[sinks][http]") {
  std::atomic<int> left{3};
  HttpServer server([&](const HttpRequest&) {
    return left-- > 0
               ? http_answer("400 Bad Request",
                             R"({"text":"Incorrect index","code":7,"invalid-event-number":1})")
               : http_answer("200 OK", R"({"text":"Success","code":0})");
  });
  HttpSink sink(sink_to(server.url(), {.preset = config::HttpPreset::kSplunk}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines({"0", "1", "2"});
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  CHECK(run.losses.empty());
  CHECK(run.errors.size() == 3);
  CHECK(run.errors.at(0).find("Incorrect index") != std::string::npos);
  CHECK(events_of(server.bodies()) == std::vector<Lines>(4, {"0", "1", "2"}));
}

TEST_CASE("http sink: what a busy Splunk has taken is not sent again", "[sinks][http]") {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest&) {
    return count++ == 0
               ? http_answer("503 Busy",
                             R"({"text":"Server is busy","code":9,"invalid-event-number":3})")
               : http_answer("200 OK", R"({"text":"Success","code":0})");
  });
  HttpSink sink(sink_to(server.url(), {.preset = config::HttpPreset::kSplunk}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines({"0", "1", "2", "3", "4"});
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  CHECK(run.losses.empty());
  CHECK(run.errors.size() == 1);
  CHECK(events_of(server.bodies()) ==
        std::vector<Lines>{{"0", "1", "2", "3", "4"}, {"2", "3", "4"}});
}

TEST_CASE("http sink: a Splunk that refuses each event is asked a bounded number of times",
          "[sinks][http]") {
  HttpServer server([](const HttpRequest&) {
    return http_answer("400 Bad", R"({"text":"No","code":12,"invalid-event-number":0})");
  });
  HttpSink sink(sink_to(server.url(), {.preset = config::HttpPreset::kSplunk}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines(numbered(0, 5000));
  run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 1);
  CHECK(run.refused() == 5000);
  CHECK(server.requests().size() == 65);
}

TEST_CASE("http sink: equal lines that Loki gets differ in time, and are the same when sent again",
          "[sinks][http]") {
  std::atomic<int> count{0};
  HttpServer server(
      [&](const HttpRequest&) { return http_answer(count++ < 2 ? "500 Oh" : "204 No Content"); });
  HttpSink sink(sink_to(server.url(), {.preset = config::HttpPreset::kLoki}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch one = lines({"same", "same"}), two = lines({"same", "same", "same"});
  run.write(one);
  run.write(two);
  run.finish();
  CHECK(run.delivered.size() == 2);
  std::string expected = R"({"streams":[{"stream":{"listener":"in"},"values":[)";
  for (const char* at : {"0", "1", "2", "3", "4"})
    expected += "[\"" + std::string(at) + "\",\"same\"]" + (*at == '4' ? "]}]}" : ",");
  const Lines bodies = server.bodies();
  CHECK(bodies.at(0) == expected.substr(0, expected.find(",[\"2\"")) + "]}]}");
  CHECK(bodies.back() == expected);
}

TEST_CASE("http sink: several requests at a time, some of which fail, and each record arrives",
          "[sinks][http]") {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest&) {
    const int at = count++;
    if (at % 7 == 3) return std::string();
    return http_answer(at % 5 == 2 ? "500 Oh" : "204 No Content");
  });
  HttpSink sink(sink_to(server.url(), {.batch_bytes = 1024, .in_flight = 4}));
  REQUIRE(sink.open());
  Run run(sink);
  std::vector<Batch> batches;
  for (std::size_t at = 0; at < 20; ++at) batches.push_back(lines(numbered(1000 + 100 * at, 100)));
  for (const Batch& batch : batches) run.write(batch);
  run.finish();
  CHECK(run.delivered.size() == 20);
  std::string all;
  for (const std::string& body : server.bodies()) all += body;
  for (const std::string& number : numbered(1000, 2000))
    CHECK(all.find(number + '\n') != std::string::npos);
}

TEST_CASE("http sink: an answer that does not come ends in time, and an interrupt ends the wait",
          "[sinks][http]") {
  std::promise<void> end;
  std::shared_future<void> ended = end.get_future().share();
  HttpServer server([&](const HttpRequest&) {
    ended.wait();
    return std::string();
  });
  HttpSink sink(sink_to(server.url(), {.timeout = std::chrono::milliseconds(200)}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch one = lines({"one"}), two = lines({"two"});
  run.write(one);
  run.finish(2);
  CHECK(run.errors.at(0).find("imed out") != std::string::npos);
  run.write(two);
  sink.request_interrupt();
  sink.poll(std::chrono::hours(1));  // comes back
  CHECK(sink.abandon(one).at(0).count == 1);
  CHECK(sink.abandon(two).at(0).count == 1);
  end.set_value();
}

TEST_CASE(
    "http sink: given up in the middle of a batch, only what is not known to be there is left",
    "[sinks][http]") {
  std::atomic<int> count{0};
  HttpServer server(
      [&](const HttpRequest&) { return http_answer(count++ < 3 ? "200 OK" : "500 Oh"); });
  HttpSink sink(sink_to(server.url(), {.batch_bytes = 1024}));
  REQUIRE(sink.open());
  Run run(sink);
  const Batch batch = lines(std::vector<std::string>(100, std::string(127, 'x')));  // 8 a request
  run.write(batch);
  run.finish(2);
  const auto left = sink.abandon(batch);
  REQUIRE(left.size() == 1);
  CHECK((left[0].first == 24 && left[0].count == 76));
}

TEST_CASE("http sink: what has no form in the encoding is told, and is no request",
          "[sinks][http]") {
  HttpServer server(ok);
  config::Sink config = sink_to(server.url(), {.preset = config::HttpPreset::kInflux});
  config.encoding = config::Encoding::kInflux;
  HttpSink sink(config);
  REQUIRE(sink.open());
  const Batch batch = lines({"no point", "neither"});
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  const auto losses = sink.undeliverable(batch);
  REQUIRE(losses.size() == 1);
  CHECK((losses[0].loss == RouteLoss::kUnencodable && losses[0].frames.count == 2));
  CHECK(server.requests().empty());
}

TEST_CASE("http sink: a file of TLS that cannot be read is told at the start", "[sinks][http]") {
  HttpSink sink(sink_to("https://127.0.0.1", {.ca_file = "/nowhere/ca.pem"}));
  const auto opened = sink.open();
  REQUIRE(!opened);
  CHECK(opened.error().message.starts_with("sink \"out\": read /nowhere/ca.pem: "));
}
