#pragma once

// Without this msgpack-cxx takes its preprocessor macros from Boost.
#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <msgpack/pack.hpp>
#include <string_view>

#include "protocols/core/event.h"
#include "protocols/core/timestamp.h"
#include "protocols/core/utf8.h"

namespace penstock {

/// Where MsgpackWriter writes to: memory in which there is room for all of it.
struct MsgpackMemory {
  char* at = nullptr;

  void write(const char* bytes, std::size_t count) noexcept {
    if (count == 0) return;
    std::memcpy(at, bytes, count);
    at += count;
  }
};

/// The same, to measure only.
struct MsgpackSize {
  std::size_t bytes = 0;

  void write(const char*, std::size_t count) noexcept { bytes += count; }
};

/// What a time is within a record.
enum class PackedTime : std::uint8_t {
  kTimestamp,  ///< extension type -1 of the specification
  kEventTime,  ///< Fluentd's, extension type 0, where it has the range: else the other
};

/// At most so much do an event's fields take, for the price of an addition.
inline std::size_t most_packed_bytes(const Event& event) noexcept {
  // The dearest byte of an event's form: two of `null` under a shared name of 15 bytes.
  constexpr std::size_t kMostPerByte = 9;
  return event.fields().form_bytes() * kMostPerByte + event.text_bytes();
}

/// Values as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), each in its shortest form, by
/// msgpack-cxx's packer. Does not allocate; one thread.
template <class Out>
class MsgpackWriter {
 public:
  explicit MsgpackWriter(Out& out, PackedTime times = PackedTime::kTimestamp)
      : out_(out), packer_(out), times_(times) {}

  void map(std::size_t pairs) { packer_.pack_map(narrow(pairs)); }
  void array(std::size_t values) { packer_.pack_array(narrow(values)); }

  /// UTF-8, which is not looked at.
  void text(std::string_view text) {
    packer_.pack_str(narrow(text.size()));
    out_.write(text.data(), text.size());
  }
  void bytes(std::string_view bytes) {
    packer_.pack_bin(narrow(bytes.size()));
    out_.write(bytes.data(), bytes.size());
  }
  /// As text, or as bytes where it is no UTF-8.
  void text_or_bytes(std::string_view value) { is_utf8(value) ? text(value) : bytes(value); }

  void integer(std::int64_t value) { packer_.pack_int64(value); }
  void unsigned_integer(std::uint64_t value) { packer_.pack_uint64(value); }
  /// By hand: the packer makes integers of whole numbers.
  void real(double value) {
    out_.write("\xcb", 1);
    big_endian(std::bit_cast<std::uint64_t>(value));
  }

  /// A timestamp, extension type -1: of 4 bytes without a fraction, of 8 until 2514, else of 12.
  void time(std::int64_t ns) {
    const std::int64_t rest = ns % kNanosPerSecond;
    const auto nanos = static_cast<std::uint32_t>(rest < 0 ? rest + kNanosPerSecond : rest);
    const std::int64_t seconds = ns / kNanosPerSecond - (rest < 0 ? 1 : 0);
    const auto whole = static_cast<std::uint64_t>(seconds);
    if (whole >> 34 != 0) {
      extension(12);
      big_endian(nanos);
      big_endian(whole);
    } else if (nanos == 0 && whole >> 32 == 0) {
      extension(4);
      big_endian(static_cast<std::uint32_t>(whole));
    } else {
      extension(8);
      big_endian(std::uint64_t{nanos} << 34 | whole);
    }
  }

  /// 32 bits of seconds, from 1970 to 2106, and nanoseconds. The last two seconds are Fluent Bit's marks of groups
  /// (flb_log_event.h), and no times.
  static bool is_event_time(std::int64_t ns) noexcept {
    return ns >= 0 && ns / kNanosPerSecond <= std::int64_t{UINT32_MAX} - 2;
  }
  /// Of such a one only.
  void event_time(std::int64_t ns) {
    packer_.pack_ext(8, std::int8_t{0});
    big_endian(static_cast<std::uint32_t>(ns / kNanosPerSecond));
    big_endian(static_cast<std::uint32_t>(ns % kNanosPerSecond));
  }

  /// How many there are.
  static std::size_t count(FieldReader reader) noexcept {
    std::size_t fields = 0;
    for (FieldEntry entry; reader.next(entry);) ++fields;
    return fields;
  }

  /// Field by field: name and value.
  void fields(FieldReader reader) {
    for (FieldEntry entry; reader.next(entry);) field(entry);
  }

  /// Its name and value.
  void field(const FieldEntry& entry) {
    entry.id == Field::kNone ? text_or_bytes(entry.name) : text(entry.name);
    value(entry.value);
  }

  void value(const FieldValue& value) {
    switch (value.type) {
      case FieldType::kNull: packer_.pack_nil(); return;
      case FieldType::kBool: value.boolean ? packer_.pack_true() : packer_.pack_false(); return;
      case FieldType::kInt64: return integer(value.integer);
      case FieldType::kUint64: return unsigned_integer(value.unsigned_integer);
      case FieldType::kDouble: return real(value.real);
      case FieldType::kTime:
        return times_ == PackedTime::kEventTime && is_event_time(value.integer)
                   ? event_time(value.integer)
                   : time(value.integer);
      case FieldType::kNumber: return text(value.text);
      case FieldType::kString: return text_or_bytes(value.text);
      case FieldType::kBytes: return bytes(value.text);
      case FieldType::kMap: map(count(value.children)); return fields(value.children);
      case FieldType::kArray: array(count(value.children)); return elements(value.children);
    }
  }

 private:
  static constexpr std::int8_t kTimestamp = -1;

  static std::uint32_t narrow(std::size_t size) noexcept {
    return static_cast<std::uint32_t>(size);
  }

  void extension(std::size_t payload) { packer_.pack_ext(payload, kTimestamp); }

  template <class Number>
  void big_endian(Number value) {
    std::array<char, sizeof value> bytes{};
    for (std::size_t at = 0; at < bytes.size(); ++at)
      bytes[at] = static_cast<char>(value >> (8 * (bytes.size() - 1 - at)) & 0xff);
    out_.write(bytes.data(), bytes.size());
  }

  void elements(FieldReader reader) {
    for (FieldEntry entry; reader.next(entry);) value(entry.value);
  }

  Out& out_;
  ::msgpack::packer<Out> packer_;
  const PackedTime times_;
};

}  // namespace penstock
