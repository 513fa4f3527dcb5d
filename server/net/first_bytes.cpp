#include "server/net/first_bytes.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

constexpr std::size_t kMostBytes = 16;
constexpr std::array<std::string_view, 9> kHttpMethods = {
    "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "PRI * HTTP"};
constexpr std::string_view kProxyText = "PROXY ";                     // PROXY protocol, version 1
constexpr std::string_view kProxyBinary("\r\n\r\n\0\r\nQUIT\n", 12);  // version 2
constexpr std::string_view kGzip = "\x1f\x8b\x08";                    // RFC 1952, deflate
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";                // RFC 8878
constexpr std::array<std::string_view, 4> kZlib = {"\x78\x01", "\x78\x5e", "\x78\x9c",
                                                   "\x78\xda"};  // RFC 1950, window of 32 KiB

unsigned char byte_at(std::string_view first, std::size_t at) noexcept {
  return at < first.size() ? static_cast<unsigned char>(first[at]) : 0;
}
bool is_printable(char c) noexcept { return c >= ' ' && c < '\x7f'; }

template <std::size_t N>
bool begins_with_one(std::string_view first, const std::array<std::string_view, N>& of) noexcept {
  return std::any_of(of.begin(), of.end(), [&](auto text) { return first.starts_with(text); });
}

/// A handshake record with a ClientHello in it (RFC 8446 sections 5.1 and 4).
bool is_tls(std::string_view first) noexcept {
  return first.size() >= 6 && first.starts_with("\x16\x03") && byte_at(first, 2) <= 4 &&
         byte_at(first, 5) == 1;
}

/// `<PRI>` of a syslog message.
bool is_syslog(std::string_view first) noexcept {
  if (!first.starts_with('<')) return false;
  const std::size_t end = first.find_first_not_of("0123456789", 1);
  return end != std::string_view::npos && end > 1 && end <= 4 && first[end] == '>';
}

/// MSG-LEN SP `<` (RFC 6587 section 3.4.1): the count of a syslog message.
bool is_counted(std::string_view first) noexcept {
  const std::size_t digits = std::min(first.find_first_not_of("0123456789"), first.size());
  return digits > 0 && digits <= 8 && first[0] != '0' && first.substr(digits).starts_with(" <");
}

bool is_json(std::string_view first) noexcept {
  return first.starts_with("{\"") || first.starts_with("{ ") || first.starts_with("{\n") ||
         first.starts_with("[{");
}

/// A byte order mark, or ASCII of which every other byte is 0.
bool is_utf16(std::string_view first) noexcept {
  if (first.starts_with("\xff\xfe") || first.starts_with("\xfe\xff")) return true;
  if (first.size() < 8) return false;
  const std::size_t text = first[0] == '\0' ? 1 : 0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i % 2 == text ? !is_printable(first[i]) : first[i] != '\0') return false;
  }
  return true;
}

/// The window frame with which every Lumberjack connection begins, versions 1 and 2; windows are far below 2^24.
bool is_lumberjack(std::string_view first) noexcept {
  return first.size() >= 6 && (first[0] == '1' || first[0] == '2') && first[1] == 'W' &&
         first[2] == '\0';
}

/// A MessagePack array of two to four members, the first a short tag: Fluentd's forward protocol.
bool is_forward(std::string_view first) noexcept {
  const unsigned char array = byte_at(first, 0), tag = byte_at(first, 1);
  return array >= 0x92 && array <= 0x94 && ((tag > 0xa0 && tag <= 0xbf) || tag == 0xd9);
}

/// The offer with which every RELP session begins (RELP specification, "open").
bool is_relp(std::string_view first) noexcept { return first.starts_with("1 open "); }

/// Printable text, and a NUL that is not the first byte.
bool is_nul_terminated(std::string_view first) noexcept {
  const std::size_t nul = first.find('\0');
  return nul != std::string_view::npos && nul != 0 &&
         std::all_of(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(nul), is_printable);
}

/// Four bytes of a length, most significant first, below 64 KiB, and printable text.
bool is_length(std::string_view first) noexcept {
  return first.size() > 4 && first.starts_with(std::string_view("\0\0", 2)) &&
         std::all_of(first.begin() + 4, first.end(), is_printable);
}

FirstBytesHint compression(std::string_view first, StreamForm expected) noexcept {
  if (first.starts_with(kGzip)) return {"gzip data", R"(content_encoding = "gzip")"};
  if (first.starts_with(kZstd)) return {"zstd data", R"(content_encoding = "zstd")"};
  const bool two_bytes_tell = expected != StreamForm::kLength;
  if (two_bytes_tell && begins_with_one(first, kZlib))
    return {"zlib data", R"(content_encoding = "zlib")"};
  return {};
}

FirstBytesHint where_a_length_is_expected(std::string_view first) noexcept {
  if (is_syslog(first)) return {"a syslog message", R"(framing = "syslog_auto")"};
  if (is_counted(first)) return {"octet-counted frames", R"(framing = "octet_counted")"};
  if (is_json(first)) return {"JSON", R"(framing = "json")"};
  if (first.size() >= 8 && std::all_of(first.begin(), first.end(), is_printable))
    return {"text", R"(framing = "newline")"};
  return {};
}

FirstBytesHint where_text_is_expected(std::string_view first, StreamForm expected) noexcept {
  if (is_utf16(first)) return {"UTF-16 text", {}};
  if (is_lumberjack(first)) return {"a Beats or Lumberjack window", R"(protocol = "lumberjack")"};
  if (is_forward(first)) return {"a Fluentd forward message", R"(protocol = "forward")"};
  if (is_relp(first)) return {"a RELP offer", R"(protocol = "relp")"};
  if (is_length(first)) return {"a binary length", R"(framing = "length_prefixed")"};
  const bool lines = expected == StreamForm::kLines, json = expected == StreamForm::kJson;
  if ((lines || json) && is_counted(first))
    return {"octet-counted frames", R"(framing = "octet_counted")"};
  if (lines && is_nul_terminated(first)) return {"NUL-terminated text", R"(framing = "nul")"};
  if ((json || expected == StreamForm::kCounts) && is_syslog(first))
    return {"a syslog message without a count", R"(framing = "syslog_auto")"};
  return {};
}

}  // namespace

FirstBytesHint first_bytes_hint(std::string_view first, StreamForm expected) noexcept {
  first = first.substr(0, kMostBytes);
  if (is_tls(first)) return {"a TLS hello", {}};
  if (first.starts_with(kProxyText) || first.starts_with(kProxyBinary))
    return {"a PROXY header", {}};
  if (begins_with_one(first, kHttpMethods)) return {"an HTTP request", {}};
  if (expected == StreamForm::kAny) return {};
  if (const FirstBytesHint hint = compression(first, expected); !hint.what.empty()) return hint;
  return expected == StreamForm::kLength ? where_a_length_is_expected(first)
                                         : where_text_is_expected(first, expected);
}

}  // namespace penstock
