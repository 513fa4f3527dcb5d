#include "server/replay_command.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include "server/config/text.h"
#include "server/net/url.h"

namespace penstock {
namespace {

/// One word of a shell's command line.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'')
      word += R"('\'')";
    else
      word += c;
  }
  return word + '\'';
}

bool can_be_sent_to(const Url& url) noexcept { return is_unix(url.scheme) || url.port != 0; }

/// Streams before messages, and tcp before unix before packets before datagrams.
int preference(Scheme scheme) noexcept {
  if (is_tcp(scheme)) return 0;
  if (scheme == Scheme::kUnix) return 1;
  if (scheme == Scheme::kUnixpacket) return 2;
  return scheme == Scheme::kUnixgram ? 3 : 4;
}

std::string url_word(const config::Listener& listener) {
  int best = 5;
  std::string word = "URL";
  for (const config::ListenUrl& listen : listener.listen) {
    const auto url = parse_url(listen.url);
    if (!url || !can_be_sent_to(*url) || preference(url->scheme) >= best) continue;
    best = preference(url->scheme);
    word = shell_word(url->text);
  }
  return word;
}

bool has_stream(const config::Listener& listener) {
  return std::any_of(listener.listen.begin(), listener.listen.end(), [](const auto& listen) {
    const auto url = parse_url(listen.url);
    return url && is_stream(url->scheme);
  });
}

std::string length_words(const LengthField& length) {
  std::string words = "length_prefixed";
  const LengthField usual;
  if (length.bytes != usual.bytes) words += " --length-bytes " + std::to_string(length.bytes);
  if (length.order != usual.order) words += " --length-endian little";
  if (length.offset != usual.offset) words += " --length-offset " + std::to_string(length.offset);
  if (length.includes_header) words += " --length-includes-header";
  return words;
}

/// A framing of `penstock send` and what it needs to be told.
std::string framing_words(const config::Listener& listener) {
  if (listener.frames.framing == Framing::kNul) return "nul";
  if (listener.frames.framing == Framing::kDelimiter)
    return "delimiter --delimiter " + shell_word(config::delimiter_text(listener.frames.delimiter));
  if (!has_stream(listener)) return "crlf";
  switch (listener.frames.framing) {
    case Framing::kOctetCounted:
    case Framing::kSyslogAuto: return "octet_counted";
    case Framing::kLengthPrefixed: return length_words(listener.frames.length);
    case Framing::kVarint: return "varint";
    case Framing::kFixed:
      return "fixed --frame-bytes " + std::to_string(listener.frames.frame_bytes);
    case Framing::kJson: return "json";
    case Framing::kNone: return "none";
    case Framing::kNewline:
    case Framing::kNul:
    case Framing::kDelimiter: break;
  }
  return "crlf";
}

std::uint64_t sum(const std::array<std::uint64_t, kReasonCount>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

}  // namespace

std::string replay_command(const config::Listener& listener, const std::string& leftover,
                           bool only_its_own) {
  std::string command = "penstock send " + url_word(listener) + " --replay " + shell_word(leftover);
  if (only_its_own) command += " --listener " + shell_word(listener.name);
  return command + " --framing " + framing_words(listener);
}

std::vector<const config::Listener*> listeners_left_over(const config::Config& config,
                                                         const LedgerSnapshot& snapshot,
                                                         std::uint64_t entries) {
  std::map<std::string_view, std::uint64_t> left;
  std::uint64_t records = 0;
  for (const RouteTotals& route : snapshot.routes) {
    const std::uint64_t n = route.lost[static_cast<std::size_t>(RouteLoss::kLeftover)];
    left[route.listener] += n;
    records += n;
  }
  if (entries > records) {
    for (const ListenerTotals& totals : snapshot.listeners)
      left[totals.name] += sum(totals.counts.rejected);
  }
  std::vector<const config::Listener*> found;
  for (const config::Listener& listener : config.listeners) {
    if (left[listener.name] != 0) found.push_back(&listener);
  }
  return found;
}

}  // namespace penstock
