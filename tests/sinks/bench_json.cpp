// How many records a second one core encodes as JSON: the encoder alone, and the whole file sink with its writes to
// /dev/null and to a file. CPU time, best of several rounds. Not a test.
//   bench_json [DIRECTORY] (default /dev/shm)
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include "server/sinks/file_sink.h"
#include "server/sinks/json_encoder.h"
#include "tests/sinks/batches.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"syslog", "udp://127.0.0.1:5514"};
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;
constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kRecord = 200;
constexpr std::size_t kRecords = kBlock / (kRecord + 1);
constexpr int kRounds = 9, kTimes = 40;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Best of the rounds: nanoseconds a record. Each round begins with `prepare`, which is not measured.
template <class Prepare, class Work>
double nanoseconds(const Batch& batch, Prepare&& prepare, Work&& work) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    auto state = prepare();
    const double begin = cpu_seconds();
    for (int at = 0; at < kTimes; ++at) work(*state, batch);
    best = std::min(best, cpu_seconds() - begin);
  }
  return best * 1e9 / kTimes / static_cast<double>(batch.frames.size());
}

double encoder_alone(const Batch& batch) {
  struct State {
    JsonEncoder encoder;
    EncodeBuffer buffer;
  };
  const auto work = [](State& state, const Batch& from) {
    for (const Segment& segment : from.segments) {
      const std::size_t last = std::size_t{segment.first} + segment.count;
      for (std::size_t at = segment.first; at < last;) {
        at = state.encoder.encode(from, segment, at, last, state.buffer);
        if (at != last) state.buffer.clear();
      }
    }
  };
  return nanoseconds(
      batch, [] { return std::make_unique<State>(); }, work);
}

double whole_sink(const Batch& batch, const std::string& path, bool fresh) {
  const auto prepare = [&] {
    if (fresh) std::filesystem::remove(path);
    auto sink = std::make_unique<FileSink>(
        config::Sink{.name = "bench", .path = path, .encoding = config::Encoding::kJson});
    if (!sink->open()) throw std::runtime_error("open " + path);
    return sink;
  };
  return nanoseconds(batch, prepare, [](FileSink& sink, const Batch& from) {
    if (sink.write(from) != WriteStatus::kDelivered) throw std::runtime_error(sink.last_error());
  });
}

std::string text_of(std::string_view head, std::string_view repeated) {
  std::string text(head);
  while (text.size() + repeated.size() <= kRecord) text += repeated;
  text.resize(kRecord, '.');
  return text;
}

// `a_segment` records a segment; peers change with the segments where `peers` is more than one.
void measure(const char* what, const std::string& dir, const std::string& record,
             std::size_t a_segment = 64, unsigned peers = 1) {
  BatchBuilder builder(kBlock);
  const std::vector<std::string> frames(a_segment, record);
  for (std::size_t at = 0; at + a_segment <= kRecords; at += a_segment) {
    const auto peer = static_cast<std::uint8_t>(at / a_segment % peers);
    builder.lines(kOrigin, test::inet_peer(192, 0, 2, peer),
                  kTime + static_cast<std::int64_t>(at) * 1000, frames);
  }
  const Batch batch = builder.take();
  const auto print = [](const char* name, double ns) {
    std::printf("  %s %5.0f ns %5.2f M/s", name, ns, 1e3 / ns);
  };
  std::printf("%-40s", what);
  print("encoder", encoder_alone(batch));
  print("  sink to /dev/null", whole_sink(batch, "/dev/null", false));
  print("  sink to a file", whole_sink(batch, dir + "/sink", true));
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const test::TempDir dir(argc > 1 ? argv[1] : "/dev/shm");
  const std::string head = "<34>1 2026-11-25T02:15:18.123456Z host.example.com app 4711 ID47 - ";
  const std::string ascii = text_of(head, "connection from 192.0.2.17 port 4711 accepted; ");
  measure("200 bytes of syslog, ASCII", dir.path(), ascii);
  measure("... a segment a record, one peer", dir.path(), ascii, 1);
  measure("... a segment a record, 250 peers", dir.path(), ascii, 1, 250);
  measure("... mixed UTF-8", dir.path(),
          text_of(head, "Verbindung f\xc3\xbcr \xe2\x82\xac 5 \xe6\x97\xa5\xe6\x9c\xac. "));
  measure("... JSON in it (a quote in 6 bytes)", dir.path(),
          text_of(head, R"({"level":"info","user":"bob","ok":"yes"},)"));
  measure("... control bytes only", dir.path(), std::string(kRecord, '\x01'));
  measure("... Latin-1 (with base64)", dir.path(),
          text_of(head, "Verbindung f\xfcr Gerät angenommen; "));
}
