// How fast the file sink writes, beside a bare loop of write(2) with the same bytes. Not a test.
//   bench_file [DIRECTORY] (default /dev/shm)
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "server/sinks/file_sink.h"
#include "tests/sinks/batches.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"bench", "tcp://127.0.0.1:1"};
constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kRecord = 200;
constexpr int kRounds = 9;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// CPU seconds to write `batch` `times` times with a new sink.
double with_sink(const std::string& path, const Batch& batch, int times) {
  FileSink sink({.name = "bench", .path = path});
  if (!sink.open()) throw std::runtime_error("open");
  const double begin = cpu_seconds();
  for (int at = 0; at < times; ++at) {
    if (sink.write(batch) != WriteStatus::kDelivered) throw std::runtime_error(sink.last_error());
  }
  return cpu_seconds() - begin;
}

double bare(const std::string& path, const Batch& batch, std::size_t piece, int times) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const double begin = cpu_seconds();
  for (int at = 0; at < times; ++at) {
    for (std::size_t done = 0; done < batch.end; done += piece) {
      const std::size_t size = std::min(piece, batch.end - done);
      if (::write(fd, batch.block->data() + done, size) != static_cast<ssize_t>(size))
        throw std::runtime_error("write");
    }
  }
  const double used = cpu_seconds() - begin;
  ::close(fd);
  return used;
}

// Interleaved pairs: median GB/s of both and the median of their ratios.
void compare(const char* what, const std::string& dir, const Batch& batch, std::size_t piece,
             int times) {
  std::vector<double> ours, theirs, ratios;
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(with_sink(dir + "/sink", batch, times));
    std::filesystem::remove(dir + "/sink");
    theirs.push_back(bare(dir + "/bare", batch, piece, times));
    std::filesystem::remove(dir + "/bare");
    ratios.push_back(ours.back() / theirs.back());
  }
  const double bytes = static_cast<double>(batch.end) * times;
  std::printf("%-44s %6.2f GB/s   bare %6.2f GB/s   CPU ratio %.3f   %.1f ns a record\n", what,
              bytes / median(ours) * 1e-9, bytes / median(theirs) * 1e-9, median(ratios),
              median(ours) / times / static_cast<double>(batch.frames.size()) * 1e9);
}

Peer peer_number(unsigned at) {
  return test::inet_peer(10, 0, static_cast<std::uint8_t>(at >> 8), static_cast<std::uint8_t>(at));
}

Batch filled(std::size_t segments, bool opaque) {
  const std::size_t records = kBlock / (kRecord + 1);
  BatchBuilder builder(kBlock);
  std::size_t done = 0;
  for (std::size_t at = 0; at < segments; ++at) {
    const std::vector<std::string> frames(records * (at + 1) / segments - done,
                                          std::string(kRecord, 'r'));
    done += frames.size();
    const Peer peer = peer_number(static_cast<unsigned>(at));
    opaque ? builder.opaque(kOrigin, peer, 0, frames) : builder.lines(kOrigin, peer, 0, frames);
  }
  return builder.take();
}

// Batches in which each segment has another of 10,000 peers.
void many_peers(const std::string& dir, std::size_t max_open_files) {
  FileSink sink({.name = "bench", .path = dir + "/{peer}.log", .max_open_files = max_open_files});
  if (!sink.open()) throw std::runtime_error("open");
  std::vector<Batch> batches;
  for (unsigned first = 0; first < 10'000; first += 1000) {
    BatchBuilder builder(kBlock);
    for (unsigned at = first; at < first + 1000; ++at) {
      builder.lines(kOrigin, peer_number(at), 0,
                    std::vector<std::string>(5, std::string(kRecord, 'p')));
    }
    batches.push_back(builder.take());
  }
  std::array<double, 4> used{};
  for (double& round : used) {
    const double begin = cpu_seconds();
    for (const Batch& batch : batches) {
      if (sink.write(batch) != WriteStatus::kDelivered) throw std::runtime_error(sink.last_error());
    }
    round = cpu_seconds() - begin;
  }
  std::printf(
      "10,000 peers with {peer}, max_open_files %-5zu first round %.2f us a segment, then %.2f us, "
      "%.0f k records/s\n",
      max_open_files, used[0] * 100, used[3] * 100, 50.0 / used[3]);
  if (!sink.close()) throw std::runtime_error("close");
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    std::filesystem::remove(entry.path());
}

}  // namespace

int main(int argc, char** argv) {
  const test::TempDir dir(argc > 1 ? argv[1] : "/dev/shm");
  const int times = 1000;
  bare(dir / "warm", filled(1, false), kBlock, times);  // the first touch of memory is slow
  std::filesystem::remove(dir / "warm");
  compare("lines, 1 MiB, one segment, static path", dir.path(), filled(1, false), kBlock, times);
  compare("lines, 1 MiB, 1,000 segments, static path", dir.path(), filled(1000, false), kBlock,
          times);
  compare("opaque, 200 bytes, static path", dir.path(), filled(1, true), std::size_t{256} << 10,
          times);
  many_peers(dir.path(), 128);
  many_peers(dir.path(), 20'000);
}
