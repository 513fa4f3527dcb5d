#include "server/pipeline/quarantine_format.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/writer.h>

#include <array>
#include <charconv>
#include <ctime>
#include <utility>

#include "protocols/core/frame.h"
#include "protocols/core/timestamp.h"
#include "protocols/core/utc_text.h"
#include "protocols/core/utf8.h"
#include "server/pipeline/base64.h"

namespace penstock {
namespace {

constexpr std::array<std::pair<FrameFlag, std::string_view>, 3> kFlagNames = {
    {{kFrameTruncated, "truncated"}, {kFramePartial, "partial"}, {kFrameUnparsed, "unparsed"}}};

// RapidJSON's output stream concept over a string.
struct StringSink {
  using Ch = char;
  std::string& out;
  void Put(char c) { out.push_back(c); }
  void Flush() {}
};
using JsonWriter = rapidjson::Writer<StringSink>;

void member(JsonWriter& writer, std::string_view key, std::string_view value) {
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void flags_member(JsonWriter& writer, std::uint8_t flags) {
  writer.Key("flags");
  writer.StartArray();
  for (const auto& [bit, name] : kFlagNames) {
    if ((flags & bit) != 0)
      writer.String(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  writer.EndArray();
}

std::string time_text(std::int64_t time_ns) {
  std::string text(kUtcTextBytes, ' ');
  write_utc(time_ns, text.data());
  return text;
}

bool digits_at(std::string_view text, std::size_t at, std::size_t count, int& value) noexcept {
  const std::string_view digits = text.substr(at, count);
  if (digits.size() != count || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return true;
}

// `2026-11-24T19:30:33.123456789Z`, exactly as time_text gives it; false for any other text, such as February 30.
bool parse_time(std::string_view text, std::int64_t& time_ns) {
  std::tm utc{};
  int nanos = 0;
  const bool numbers = text.size() == kUtcTextBytes && digits_at(text, 0, 4, utc.tm_year) &&
                       digits_at(text, 5, 2, utc.tm_mon) && digits_at(text, 8, 2, utc.tm_mday) &&
                       digits_at(text, 11, 2, utc.tm_hour) && digits_at(text, 14, 2, utc.tm_min) &&
                       digits_at(text, 17, 2, utc.tm_sec) && digits_at(text, 20, 9, nanos);
  // Outside these years 64 bits of nanoseconds overflow.
  if (!numbers || utc.tm_year < 1678 || utc.tm_year > 2261) return false;
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  time_ns = timegm(&utc) * kNanosPerSecond + nanos;
  return time_text(time_ns) == text;
}

tl::unexpected<Error> wrong(std::string what) {
  return fail(0, "quarantine line: " + std::move(what));
}

std::string_view view(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// The member as a string; an error where it is missing (unless `optional`) or no string.
Result<std::string> text_member(const rapidjson::Document& line, const char* key,
                                bool optional = false) {
  const auto found = line.FindMember(key);
  if (found == line.MemberEnd()) {
    if (optional) return std::string();
    return wrong("no member \"" + std::string(key) + "\"");
  }
  if (!found->value.IsString()) return wrong("\"" + std::string(key) + "\" is no string");
  return std::string(view(found->value));
}

Result<std::uint8_t> parse_flags(const rapidjson::Document& line) {
  const auto found = line.FindMember("flags");
  if (found == line.MemberEnd()) return std::uint8_t{0};
  if (!found->value.IsArray()) return wrong("\"flags\" is no array");
  unsigned flags = 0;
  for (const rapidjson::Value& item : found->value.GetArray()) {
    unsigned bit = 0;
    for (const auto& [flag, name] : kFlagNames) {
      if (item.IsString() && view(item) == name) bit = flag;
    }
    if (bit == 0)
      return wrong("\"flags\" may hold \"truncated\", \"partial\" and \"unparsed\" only");
    flags |= bit;
  }
  return static_cast<std::uint8_t>(flags);
}

}  // namespace

QuarantineEntry entry_for(const Segment& segment) {
  QuarantineEntry entry;
  entry.time_ns = segment.time_ns;
  if (segment.origin != nullptr) {
    entry.listener = segment.origin->listener;
    entry.url = segment.origin->url;
  }
  entry.peer = to_string(segment.peer);
  return entry;
}

void append_line(std::string& out, const QuarantineEntry& entry) {
  StringSink sink{out};
  JsonWriter writer(sink);
  writer.StartObject();
  member(writer, "time", time_text(entry.time_ns));
  member(writer, "listener", with_replacements(entry.listener));
  member(writer, "url", with_replacements(entry.url));
  member(writer, "peer", with_replacements(entry.peer));
  member(writer, "reason", with_replacements(entry.reason));
  if (!entry.sink.empty()) member(writer, "sink", with_replacements(entry.sink));
  if (!entry.detail.empty()) member(writer, "detail", with_replacements(entry.detail));
  if (entry.flags != 0) flags_member(writer, entry.flags);
  member(writer, "bytes", base64_encode(entry.bytes));
  writer.EndObject();
  out.push_back('\n');
}

std::string to_line(const QuarantineEntry& entry) {
  std::string line;
  append_line(line, entry);
  return line;
}

Result<QuarantineEntry> parse_quarantine_line(std::string_view line) {
  // Iterative: a line of a million '[' must not exhaust the stack.
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(line.data(),
                                                                                     line.size());
  if (json.HasParseError()) {
    return wrong("not JSON at column " + std::to_string(json.GetErrorOffset() + 1) + ": " +
                 rapidjson::GetParseError_En(json.GetParseError()));
  }
  if (!json.IsObject()) return wrong("no JSON object");

  QuarantineEntry entry;
  const std::array<std::pair<const char*, std::string*>, 6> members = {
      {{"listener", &entry.listener},
       {"url", &entry.url},
       {"peer", &entry.peer},
       {"reason", &entry.reason},
       {"sink", &entry.sink},
       {"detail", &entry.detail}}};
  for (const auto& [key, place] : members) {
    Result<std::string> text =
        text_member(json, key, place == &entry.sink || place == &entry.detail);
    if (!text) return tl::unexpected(text.error());
    *place = std::move(*text);
  }
  const Result<std::string> time = text_member(json, "time");
  if (!time) return tl::unexpected(time.error());
  if (!parse_time(*time, entry.time_ns))
    return wrong("\"time\" is not of the form 2026-11-24T19:30:33.123456789Z");
  const Result<std::uint8_t> flags = parse_flags(json);
  if (!flags) return tl::unexpected(flags.error());
  entry.flags = *flags;
  const Result<std::string> encoded = text_member(json, "bytes");
  if (!encoded) return tl::unexpected(encoded.error());
  Result<std::string> bytes = base64_decode(*encoded);
  if (!bytes) return wrong("\"bytes\": " + bytes.error().message);
  entry.bytes = std::move(*bytes);
  return entry;
}

}  // namespace penstock
