#include "server/sinks/json_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "protocols/core/utf8.h"

namespace penstock {
namespace {

/// What a byte becomes, with its length behind it: all eight bytes are copied, whatever the length.
struct Escape {
  std::array<char, 7> text{};
  std::uint8_t length = 1;
};
static_assert(sizeof(Escape) == 8);

constexpr char short_form(unsigned byte) noexcept {
  switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\f': return 'f';
    case '\r': return 'r';
    default: return '\0';
  }
}

constexpr Escape escape_of(unsigned byte) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (const char letter = short_form(byte)) return {{'\\', letter}, 2};
  if (byte < 0x20) return {{'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]}, 6};
  return {{static_cast<char>(byte)}, 1};
}

constexpr std::array<Escape, 256> make_escapes() noexcept {
  std::array<Escape, 256> escapes{};
  for (unsigned byte = 0; byte < escapes.size(); ++byte) escapes[byte] = escape_of(byte);
  return escapes;
}
constexpr std::array<Escape, 256> kEscapes = make_escapes();

const Escape& escape(char c) noexcept { return kEscapes[static_cast<unsigned char>(c)]; }

/// Sixteen bytes at a time, by the compilers' own vectors: SSE2, NEON or plain words, whatever the machine has.
using Vector [[gnu::vector_size(16)]] = unsigned char;
constexpr std::size_t kVectorBytes = sizeof(Vector);
static_assert(kVectorBytes == kJsonTextSlack);

Vector load(const char* from) noexcept {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Bytes>
bool any_bit(const Bytes& vector) noexcept {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(vector);
  return (halves[0] | halves[1]) != 0;
}

bool needs_escape(const Vector& vector) noexcept {
  return any_bit((vector < 0x20) | (vector == '"') | (vector == '\\'));
}

bool any_high(const Vector& vector) noexcept { return any_bit(vector & 0x80); }

char* write_each(const char* from, std::size_t count, char* out) noexcept {
  for (std::size_t at = 0; at < count; ++at) {
    const Escape& e = escape(from[at]);
    std::memcpy(out, &e, sizeof e);
    out += e.length;
  }
  return out;
}

/// The first and the last bytes of a text, which may be the same ones: all of it, at up to twice their size.
template <class Word>
std::pair<Word, Word> load_ends(std::string_view text) noexcept {
  std::pair<Word, Word> ends;
  std::memcpy(&ends.first, text.data(), sizeof(Word));
  std::memcpy(&ends.second, text.data() + text.size() - sizeof(Word), sizeof(Word));
  return ends;
}

template <class Word>
void store_ends(const std::pair<Word, Word>& ends, std::size_t size, char* out) noexcept {
  std::memcpy(out, &ends.first, sizeof(Word));
  std::memcpy(out + size - sizeof(Word), &ends.second, sizeof(Word));
}

template <class Word>
Vector vector_of(const std::pair<Word, Word>& ends) noexcept {
  constexpr auto kBlanks = static_cast<Word>(0x2020202020202020u);
  std::array<Word, kVectorBytes / sizeof(Word)> words;
  words.fill(kBlanks);
  words[0] = ends.first;
  words[1] = ends.second;
  return std::bit_cast<Vector>(words);
}

/// A text of `sizeof(Word)` to twice as many bytes.
template <class Word>
char* write_short(std::string_view text, char* out, bool& high) noexcept {
  const auto ends = load_ends<Word>(text);
  const Vector vector = vector_of(ends);
  high = any_high(vector);
  if (needs_escape(vector)) return write_each(text.data(), text.size(), out);
  store_ends(ends, text.size(), out);
  return out + text.size();
}

/// Whole vectors, and for the rest the last one again: where nothing in it is escaped, what it writes again is the same.
char* write_long(std::string_view text, char* out, bool& high) noexcept {
  Vector seen{};
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= kVectorBytes; left -= kVectorBytes, at += kVectorBytes) {
    const Vector vector = load(at);
    seen |= vector;
    if (needs_escape(vector)) {
      out = write_each(at, kVectorBytes, out);
    } else {
      std::memcpy(out, &vector, sizeof vector);
      out += kVectorBytes;
    }
  }
  const Vector last = load(at + left - kVectorBytes);
  high = any_high(seen | last);
  if (needs_escape(last)) return write_each(at, left, out);
  std::memcpy(out + left - kVectorBytes, &last, sizeof last);
  return out + left;
}

/// Escapes `text` and leaves bytes from 80 on as they are; says whether there are any.
char* write_escaped(std::string_view text, char* out, bool& high) noexcept {
  if (text.size() >= kVectorBytes) return write_long(text, out, high);
  if (text.size() >= 8) return write_short<std::uint64_t>(text, out, high);
  if (text.size() >= 4) return write_short<std::uint32_t>(text, out, high);
  high = std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
  return write_each(text.data(), text.size(), out);
}

/// Splits `text` into what is UTF-8 and what is not, in turns: `valid` gets the pieces, `invalid` is called for each
/// part that one U+FFFD replaces.
template <class Valid, class Invalid>
void each_part(std::string_view text, Valid&& valid, Invalid&& invalid) noexcept {
  while (!text.empty()) {
    const std::size_t length = valid_utf8_prefix(text);
    if (length != 0) valid(text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) return;
    invalid();
    text.remove_prefix(invalid_utf8_length(text));
  }
}

std::size_t escaped_bytes(std::string_view text) noexcept {
  std::size_t bytes = text.size();
  const auto add_each = [&bytes](const char* from, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) bytes += escape(from[at]).length - 1u;
  };
  for (; text.size() >= kVectorBytes; text.remove_prefix(kVectorBytes)) {
    if (needs_escape(load(text.data()))) add_each(text.data(), kVectorBytes);
  }
  add_each(text.data(), text.size());
  return bytes;
}

}  // namespace

JsonTextSize json_text_size(std::string_view text) noexcept {
  if (is_utf8(text)) return {escaped_bytes(text), true};
  JsonTextSize size{0, false};
  each_part(
      text, [&](std::string_view part) { size.bytes += escaped_bytes(part); },
      [&] { size.bytes += kReplacementCharacter.size(); });
  return size;
}

JsonTextEnd write_json_text(std::string_view text, char* out) noexcept {
  bool high = false;
  char* const end = write_escaped(text, out, high);
  if (!high || is_utf8(text)) return {end, true};
  // Again from the front: what was written is no longer than what this needs.
  each_part(
      text, [&](std::string_view part) { out = write_escaped(part, out, high); },
      [&] {
        std::memcpy(out, kReplacementCharacter.data(), kReplacementCharacter.size());
        out += kReplacementCharacter.size();
      });
  return {out, false};
}

}  // namespace penstock
