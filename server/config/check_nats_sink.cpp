#include <algorithm>
#include <array>

#include "server/config/checks.h"
#include "server/config/nats_subject.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 2> kNatsPlaceKeys = {"servers", "subject"};
constexpr std::array<std::string_view, 15> kNatsKeys = {
    "nats.stream",     "nats.create_stream",  "nats.replicas",     "nats.storage",
    "nats.user",       "nats.password",       "nats.token",        "nats.credentials_file",
    "nats.nkey",       "nats.nkey_seed_file", "nats.ca_file",      "nats.client_cert",
    "nats.client_key", "nats.ack_timeout",    "nats.max_in_flight"};
constexpr std::array<std::string_view, 3> kNatsTlsKeys = {"nats.ca_file", "nats.client_cert",
                                                          "nats.client_key"};
constexpr std::size_t kMostStreamNameBytes = 255;  // of nats-server

/// What is wrong with a server's URL; empty: nothing.
std::string_view why_no_server(std::string_view url) {
  const bool secure = url.starts_with("tls://");
  if (!secure && !url.starts_with("nats://"))
    return "expected a URL that begins with nats:// or tls://";
  const std::string_view host = url.substr(secure ? 6 : 7);
  if (host.empty() || host.starts_with(':')) return "expected a host behind ://";
  const auto is_no_host = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '/' || c == ',';
  };
  if (std::any_of(host.begin(), host.end(), is_no_host))
    return "expected HOST or HOST:PORT behind :// and nothing else";
  return {};
}

void check_servers(Draft& draft, const TableSource& source) {
  if (!source.has("servers")) return;
  for (const Item& item : source.keys.find("servers")->second.items) {
    if (item.text.find('@') != std::string::npos)  // and perhaps a password, so it is not repeated
      source.error(draft.problems, item.place, "servers",
                   "expected a URL without user and password, which are nats.user and "
                   "nats.password");
    else if (const auto why = why_no_server(item.text); !why.empty())
      source.error(draft.problems, item.place, "servers", std::string(why) + ", got " + item.shown);
  }
}

/// Every value of a subject is one part or lies within one: parts are divided by literal dots alone. Empty: nothing is
/// wrong.
std::string_view why_no_subject(const std::vector<PathPart>& parts) {
  std::string form;
  for (const PathPart& part : parts)
    form += part.kind == PathPart::Kind::kLiteral ? part.text : std::string("v");
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(form.begin(), form.end(), is_blank)) return "expected a subject without blanks";
  if (form.find_first_of("*>") != std::string::npos)
    return "expected a subject without the wildcards * and >";
  if (form.starts_with('$')) return "expected another beginning than $, which is the server's own";
  if (form.starts_with('.') || form.ends_with('.') || form.find("..") != std::string::npos)
    return "expected something before, between and behind dots";
  return {};
}

void check_subject(Draft& draft, const Sink& sink, const TableSource& source) {
  check_record_template(draft, source, "subject");
  if (!source.has("subject") || !source.sound("subject")) return;
  const auto parts = parse_record_template(sink.nats.subject);
  if (!parts) return;
  const Item& item = source.item("subject", 0);
  if (const auto why = why_no_subject(*parts); !why.empty())
    source.error(draft.problems, item.place, "subject", std::string(why) + ", got " + item.shown);
  else if (sink.nats.create_stream && nats_wildcard(*parts).starts_with('*'))
    source.error(draft.problems, item.place, "subject",
                 "expected a first part that is always the same, because nats.create_stream has a "
                 "stream made that takes all subjects of this form, got " +
                     item.shown);
}

void check_stream(Draft& draft, const Sink& sink, const TableSource& source) {
  const std::string& name = sink.nats.stream;
  const auto is_refused = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view(".*>/\\\"").find(c) != std::string_view::npos;
  };
  if (name.size() > kMostStreamNameBytes || std::any_of(name.begin(), name.end(), is_refused))
    source.error(draft.problems, source.place_of("nats.stream"), "nats.stream",
                 "expected at most 255 bytes without blanks and . * > / \\ \", got " +
                     source.item("nats.stream", 0).shown);
  if (sink.nats.create_stream && name.empty() && source.sound("nats.stream"))
    source.error(draft.problems, source.place_of("nats.create_stream"), "nats.create_stream",
                 "expected nats.stream beside it, the name of the stream");
  if (sink.nats.create_stream || !source.sound("nats.create_stream")) return;
  for (const std::string_view key : {"nats.replicas", "nats.storage"})
    source.warn_if_given(draft.problems, key,
                         "no effect: nats.create_stream is not true, the stream has its own");
}

void check_identity(Draft& draft, const TableSource& source) {
  source.error_if_alone(draft.problems, "nats.password", "nats.user");
  source.error_if_alone(draft.problems, "nats.user", "nats.password");
  source.error_if_alone(draft.problems, "nats.nkey", "nats.nkey_seed_file");
  source.error_if_alone(draft.problems, "nats.nkey_seed_file", "nats.nkey");
  std::string_view first;
  for (const std::string_view key :
       {"nats.user", "nats.token", "nats.credentials_file", "nats.nkey"}) {
    if (!source.has(key)) continue;
    if (!first.empty())
      source.error(draft.problems, source.place_of(key), key,
                   "expected one way to say who this is, got " + std::string(first) + " too");
    first = key;
  }
}

void check_tls(Draft& draft, const Sink& sink, const TableSource& source) {
  source.error_if_alone(draft.problems, "nats.client_key", "nats.client_cert");
  source.error_if_alone(draft.problems, "nats.client_cert", "nats.client_key");
  const auto is_secure = [](const std::string& url) { return url.starts_with("tls://"); };
  if (std::any_of(sink.nats.servers.begin(), sink.nats.servers.end(), is_secure)) return;
  for (const auto key : kNatsTlsKeys)
    source.warn_if_given(draft.problems, key, "no effect: no server begins with tls://");
}

void check_nats_sink(Draft& draft, const Sink& sink, const TableSource& source) {
  for (const auto key : kNatsPlaceKeys) {
    if (!source.has(key))
      source.error(draft.problems, source.place, key, "missing, a nats sink needs it");
  }
  check_servers(draft, source);
  check_subject(draft, sink, source);
  check_stream(draft, sink, source);
  check_identity(draft, source);
  check_tls(draft, sink, source);
}

}  // namespace

void check_nats_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    if (!draft.sinks[i].sound("type")) continue;
    if (draft.config.sinks[i].type == SinkType::kNats) {
      check_nats_sink(draft, draft.config.sinks[i], draft.sinks[i]);
      continue;
    }
    refuse_keys_of("nats", kNatsPlaceKeys, draft.sinks[i], draft.problems);
    refuse_keys_of("nats", kNatsKeys, draft.sinks[i], draft.problems);
  }
}

}  // namespace penstock::config
