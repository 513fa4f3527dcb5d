#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/config/load_texts.h"

using namespace penstock;

namespace {

const std::string kSeed = R"([server]
threads = 2
memory = "64MiB"
drain_timeout = "1m30s"

[[listener]]
name = "in"
listen = ["tcp://:5514", "udp://:5514", "unix:///run/x.sock"]
framing = "syslog_auto"
max_frame_bytes = 4096
mode = 0o660
owner = "${PENSTOCK_MUTATION}"
sinks = ["out"]
keepalive = "1m"

[[sink]]
name = "out"
type = "file"
path = "data/{listener}/%Y-%m-%d.log"
queue = { max_bytes = "1MiB", when_full = "block" }

[quarantine]
path = "q"
)";

/// Changes a text the way slips of the hand and of editors do.
class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string text) {
    for (auto edits = below(8) + 1; edits > 0; --edits) edit(text);
    return text;
  }

 private:
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  void edit(std::string& text) {
    if (text.empty()) text = "a";
    constexpr std::string_view kSigns("[]{}\"'=.,#$%\\\n\r\t -_09x\x7f\xc2\x9b\xff\0", 27);
    const auto at = below(text.size());
    switch (below(6)) {
      case 0: text[at] = static_cast<char>(below(256)); break;
      case 1: text.erase(at, below(20) + 1); break;
      case 2: text.insert(at, 1, kSigns[below(kSigns.size())]); break;
      case 3: {
        const auto from = below(text.size());  // not as arguments: their order is the compiler's
        const auto size = below(60);
        text.insert(at, text.substr(from, size));
        break;
      }
      case 4: text[at] = kSigns[below(kSigns.size())]; break;
      default: text.resize(at); break;
    }
  }

  std::mt19937 random_;
};

void check_lines(const std::string& text) {
  const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
  for (const auto& problem : config::load_text(text, "m.toml").problems) {
    REQUIRE_FALSE(problem.text.empty());
    REQUIRE(problem.place.line <= lines + 1);
    for (const char c : problem.text) REQUIRE(static_cast<unsigned char>(c) >= 0x20);
  }
}

}  // namespace

TEST_CASE("whatever the file holds, loading ends with problems of one printable line each",
          "[config]") {
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    CAPTURE(seed);
    check_lines(Mutator(seed).mutate(kSeed));
  }
}

TEST_CASE("every beginning of a file loads without harm", "[config]") {
  for (std::size_t size = 0; size <= kSeed.size(); ++size) {
    CAPTURE(size);
    check_lines(kSeed.substr(0, size));
  }
}

TEST_CASE("bytes that are no text at all load without harm", "[config]") {
  std::mt19937 random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::string text(static_cast<std::size_t>(round % 300), '\0');
    for (char& c : text) c = static_cast<char>(random() & 0xFF);
    CAPTURE(round);
    check_lines(text);
  }
}
