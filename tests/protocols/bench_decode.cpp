#include <benchmark/benchmark.h>
#include <zlib.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocols/core/check.h"
#include "protocols/table.h"
#include "server/sinks/json_encoder.h"

// What one core decodes of each protocol, in records a second of CPU time, and what it makes JSON of. One input of typical
// records, handed over in the open block again and again as a connection does it. Run on a quiet machine:
//
//     build/release/tests/protocols/bench_decode --benchmark_filter=statsd
namespace {

using namespace penstock;

constexpr std::size_t kInputBytes = std::size_t{256} << 10;

struct Nobody final : RejectHandler, Replies {
  void on_reject(Reason, std::string_view, const Problem&, const Segment&) override {
    PENSTOCK_CHECK(false);
  }
  void send(std::string_view) override {}
};

/// Records of one kind, as they come over a stream or as datagrams.
struct Sample {
  const char* protocol;
  std::string record;       ///< of which a stream is many, back to back
  bool datagrams = false;   ///< `record` is one
  std::size_t records = 1;  ///< in `record`
  bool aggregated = false;  ///< statsd: nothing of it is an event
};

class Rig {
 public:
  explicit Rig(const Sample& sample) : sample_(sample) {
    const ProtocolInfo* protocol = find_protocol(sample.protocol);
    PENSTOCK_CHECK(protocol != nullptr);
    FramingOptions framing;
    framing.framing = protocol->framing;
    framing.split = protocol->split;
    framing.max_frame_bytes = protocol->max_frame_bytes;
    ProtocolOptions options;
    options.statsd.flush = std::chrono::hours(1);
    if (sample.aggregated) (void)protocol->aggregate(options, nullptr);
    decoder_ = protocol->make(framing, options);
    do {
      input_ += sample.record;
      ++copies_;
    } while (!sample.datagrams && input_.size() + sample.record.size() <= kInputBytes);
    batch_.block = std::make_shared<Block>(std::size_t{8} << 20);
  }

  std::size_t records() const noexcept { return copies_ * sample_.records; }
  std::size_t bytes() const noexcept { return input_.size(); }

  void decode() {
    batch_.frames.clear();
    batch_.segments.clear();
    batch_.events.clear();
    batch_.segments.push_back({.origin = &origin_, .peer = peer_, .time_ns = kNow.wall_ns});
    char* const block = batch_.block->data();
    std::memcpy(block, input_.data(), input_.size());
    FrameCounts counts;
    const std::string_view input(block, input_.size());
    if (sample_.datagrams) {
      BatchWriter writer(batch_, block + input_.size(), counts, nobody_);
      decoder_->on_datagram(input, input.size(), kNow, writer, nobody_);
    } else {
      BatchWriter writer(batch_, block + input_.size(), counts, nobody_);
      const Consumed consumed = decoder_->on_bytes(input, kNow, writer, nobody_);
      PENSTOCK_CHECK(consumed.bytes == input.size() && consumed.why == nullptr);
      if (writer.acknowledges()) decoder_->on_complete(batch_.id, Outcome::kDelivered, nobody_);
    }
    const std::uint64_t taken = sample_.aggregated ? counts.aggregated : counts.decoded;
    PENSTOCK_CHECK(taken == records() && counts.unparsed == 0);
  }

  std::size_t encode() {
    const Segment& segment = batch_.segments.front();
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < batch_.frames.size(); bytes += buffer_.size()) {
      buffer_.clear();
      at = encoder_.encode(batch_, segment, at, batch_.frames.size(), buffer_);
    }
    return bytes;
  }

 private:
  static constexpr Now kNow{.wall_ns = 1'441'584'000'000'000'000};

  const Sample sample_;
  std::unique_ptr<Decoder> decoder_;
  std::string input_;
  std::size_t copies_ = 0;
  const Origin origin_{"bench", "tcp://127.0.0.1:1"};
  const Peer peer_{};
  Batch batch_{.id = 1};
  Nobody nobody_;
  JsonEncoder encoder_;
  EncodeBuffer buffer_;
};

std::string compressed(const std::string& text) {
  std::string out(compressBound(text.size()), '\0');
  uLongf size = out.size();
  PENSTOCK_CHECK(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                          reinterpret_cast<const Bytef*>(text.data()), text.size()) == Z_OK);
  return out.substr(0, size);
}

std::string big_endian(std::size_t value) {
  std::string out;
  for (const unsigned shift : {24u, 16u, 8u, 0u})
    out += static_cast<char>((value >> shift) & 0xffu);
  return out;
}

/// One packed message of Forward with `count` entries of four fields.
std::string packed(std::size_t count) {
  const auto text = [](const std::string& value) {
    return (value.size() < 32 ? std::string(1, static_cast<char>(0xa0 | value.size()))
                              : std::string("\xd9") + static_cast<char>(value.size())) +
           value;
  };
  const std::string entry =
      std::string("\x92\xd7\x00\x55\xec\xe6\xf8\x00\x00\x00\x05", 11) + "\x84" + text("log") +
      text("GET /index.html HTTP/1.1 200 1234 some text that is longer") + text("stream") +
      text("stdout") + text("n") + "\x07" + text("host") + text("web1");
  std::string entries;
  for (std::size_t at = 0; at < count; ++at) entries += entry;
  return "\x92" + text("app.web") + "\xc6" + big_endian(entries.size()) + entries;
}

/// One window of Lumberjack in one compressed frame.
std::string window(std::size_t count) {
  const std::string json =
      R"({"@timestamp":"2026-01-02T03:04:05.678Z","message":"GET /index.html 200","host":{"name":"web1"},"log":{"offset":1234}})";
  std::string frames;
  for (std::size_t at = 1; at <= count; ++at)
    frames += "2J" + big_endian(at) + big_endian(json.size()) + json;
  const std::string body = compressed(frames);
  return "2W" + big_endian(count) + "2C" + big_endian(body.size()) + body;
}

/// Lines of so many series.
Sample series(std::size_t count, const std::string& rest) {
  std::string lines;
  for (std::size_t at = 0; at < count; ++at)
    lines += "service.requests." + std::to_string(at) + rest + '\n';
  return {"statsd", lines, false, count, true};
}

const std::vector<std::pair<const char*, Sample>>& samples() {
  static const std::string kJson =
      R"({"time":1531171074631,"level":30,"hostname":"web1","msg":"request done","status":200,"ms":12.5,"path":"/index.html"})";
  static const std::vector<std::pair<const char*, Sample>> all = {
      {"syslog/5424",
       {"syslog", R"(<165>1 2003-10-11T22:14:15.003Z web1.example.com app 8710 ID47 )"
                  R"([exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] )"
                  "An application event log entry of a usual length\n"}},
      {"syslog/3164",
       {"syslog",
        "<34>Oct 11 22:14:15 web1 sshd[4721]: Accepted publickey for deploy from "
        "192.0.2.17 port 50122 ssh2\n"}},
      {"json", {"json", kJson + "\n"}},
      {"gelf",
       {"gelf",
        std::string(R"({"version":"1.1","host":"web1","short_message":"request done","timestamp":)"
                    R"(1385053862.3072,"level":6,"_status":200,"_path":"/index.html"})") +
            '\0'}},
      {"statsd", {"statsd", "gorets.requests.count:1|c|@0.1\n"}},
      {"dogstatsd", {"statsd", "page.views.latency:12.5|ms|@0.5|#env:dev,host:web1,route:index\n"}},
      {"statsd/counters", series(10'000, ":1|c")},
      {"statsd/timers", series(10'000, ":12.5|ms|@0.5")},
      {"statsd/tagged", series(10'000, ":1|c|#env:dev,host:web1,route:index")},
      {"influx",
       {"influx",
        "cpu,host=serverA,region=us-west usage_user=1.5,usage_system=12i "
        "1556813561098000000\n"}},
      {"graphite", {"graphite", "servers.web01.cpu.usage 42.5 1700000000\n"}},
      {"forward/packed", {"forward", packed(1000), false, 1000}},
      {"lumberjack/zlib", {"lumberjack", window(1000), false, 1000}},
  };
  return all;
}

void count(benchmark::State& state, const Rig& rig) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["records/s"] =
      benchmark::Counter(rounds * static_cast<double>(rig.records()), benchmark::Counter::kIsRate);
  state.counters["input_bytes/s"] =
      benchmark::Counter(rounds * static_cast<double>(rig.bytes()), benchmark::Counter::kIsRate);
}

void decode(benchmark::State& state, const Sample& sample) {
  Rig rig(sample);
  for (auto unused : state) {
    (void)unused;
    rig.decode();
  }
  count(state, rig);
}

void to_json(benchmark::State& state, const Sample& sample) {
  Rig rig(sample);
  for (auto unused : state) {
    (void)unused;
    rig.decode();
    benchmark::DoNotOptimize(rig.encode());
  }
  count(state, rig);
}

}  // namespace

int main(int count, char** arguments) {
  for (const auto& [name, sample] : samples()) {
    const Sample copy = sample;
    benchmark::RegisterBenchmark((std::string(name) + "/decode").c_str(),
                                 [copy](benchmark::State& state) { decode(state, copy); });
    if (sample.aggregated) continue;
    benchmark::RegisterBenchmark((std::string(name) + "/to_json").c_str(),
                                 [copy](benchmark::State& state) { to_json(state, copy); });
  }
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
