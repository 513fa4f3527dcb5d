#include "server/pipeline/heap.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

using namespace penstock;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnAllocator = true;  // the sanitizer's, which keeps what is freed for a while
#else
constexpr bool kOwnAllocator = false;
#endif

namespace {

constexpr std::size_t kPieces = 4000, kPieceBytes = 2000;
/// As many as a thread's own cache takes of one size (glibc's tcache_count).
constexpr std::size_t kCached = 7;
constexpr std::size_t kSmallBytes = 100;

/// Bytes from `begin` to `end` that are in memory.
std::size_t resident_bytes(std::uintptr_t begin, std::uintptr_t end) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = (begin + page - 1) / page * page;
  std::vector<unsigned char> pages((end - first) / page);
  REQUIRE(mincore(reinterpret_cast<void*>(first), pages.size() * page, pages.data()) == 0);
  return page * static_cast<std::size_t>(std::count_if(
                    pages.begin(), pages.end(), [](unsigned char p) { return (p & 1) != 0; }));
}

/// Fills this thread's heap, with a small piece at its end, and frees all of it, the small piece last. Gives what is in
/// memory of it after a trim.
std::size_t resident_after_trim() {
  std::array<void*, kCached> cached;
  for (void*& piece : cached) piece = std::malloc(kSmallBytes);
  std::vector<void*> pieces(kPieces);
  for (void*& piece : pieces) piece = std::memset(std::malloc(kPieceBytes), 1, kPieceBytes);
  void* const last = std::malloc(kSmallBytes);
  const auto begin = reinterpret_cast<std::uintptr_t>(pieces.front());
  const auto end = reinterpret_cast<std::uintptr_t>(pieces.back());
  for (void* piece : cached) std::free(piece);
  for (void* piece : pieces) std::free(piece);
  std::free(last);
  std::thread(trim_heap).join();
  return resident_bytes(begin, end);
}

}  // namespace

TEST_CASE("heap: threads that trim for the first time at once end in order", "[heap]") {
  for (int process = 0; process < 200; ++process) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::barrier start(2);
      const auto trim = [&start] {
        start.arrive_and_wait();
        trim_heap();
      };
      std::thread first(trim), second(trim);
      first.join();
      second.join();
      _exit(0);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
  }
}

TEST_CASE("heap: a small piece at its end does not hold the free memory before it", "[heap]") {
  if (kOwnAllocator) return;
  configure_heap();
  std::size_t resident = kPieces * kPieceBytes;
  std::thread([&resident] { resident = resident_after_trim(); }).join();
  CHECK(resident < kPieces * kPieceBytes / 10);
}
