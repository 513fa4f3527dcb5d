#include <algorithm>
#include <array>
#include <optional>

#include "server/config/checks.h"
#include "server/config/keys.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 11> kHttpKeys = {
    "endpoint",         "preset",           "http.target",    "http.headers",
    "http.compression", "http.batch_bytes", "http.in_flight", "http.timeout",
    "http.ca_file",     "http.client_cert", "http.client_key"};
constexpr std::array<std::string_view, 5> kKeysOfFileSinks = {"path", "rotate.size", "rotate.every",
                                                              "rotate.keep", "rotate.compress"};
constexpr std::array<std::string_view, 4> kIdleKeys = {"sync", "sync_interval", "timezone",
                                                       "max_open_files"};

bool has_user(std::string_view url) {
  const std::size_t host = url.find("://");
  if (host == std::string_view::npos) return false;
  return url.substr(host + 3, url.find_first_of("/?#", host + 3) - host - 3).find('@') !=
         std::string_view::npos;
}

/// What is wrong with it; empty: nothing.
std::string_view why_no_endpoint(std::string_view url) {
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://"))
    return "expected a URL that begins with http:// or https://";
  const std::string_view rest = url.substr(secure ? 8 : 7);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() || authority.starts_with(':')) return "expected a host behind ://";
  const auto is_no_url = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(url.begin(), url.end(), is_no_url)) return "expected a URL without blanks";
  if (url.find('#') != std::string_view::npos) return "expected a URL without #";
  return {};
}

void check_endpoint(Draft& draft, const Sink& sink, const TableSource& source) {
  if (!source.has("endpoint"))
    return source.error(draft.problems, source.place, "endpoint",
                        "missing, an http sink needs one, such as \"http://127.0.0.1:8123\"");
  if (!source.sound("endpoint")) return;
  if (has_user(sink.http.endpoint))  // and perhaps a password, so it is not repeated
    return source.error(draft.problems, source.place_of("endpoint"), "endpoint",
                        "expected a URL without user and password, which go into a header, such as "
                        "http.headers = { Authorization = \"Basic ...\" }");
  if (const auto why = why_no_endpoint(sink.http.endpoint); !why.empty())
    source.error(draft.problems, source.place_of("endpoint"), "endpoint",
                 std::string(why) + ", got " + source.item("endpoint", 0).shown);
}

/// RFC 9110 section 5.6.2, a token; and no line's end in the value, which may be a secret and is not repeated.
void check_headers(Draft& draft, const Sink& sink, const TableSource& source) {
  const auto in_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  for (const Option& header : sink.http.headers) {
    if (!std::all_of(header.name.begin(), header.name.end(), in_token))
      source.error(
          draft.problems, header.place, "http.headers",
          "expected the name of a header, such as Authorization, got " + in_quotes(header.name));
    if (header.value.find_first_of("\r\n") != std::string::npos)
      source.error(draft.problems, header.value_place, "http.headers",
                   in_quotes(header.name) + ": expected one line");
  }
}

std::optional<Encoding> encoding_of(HttpPreset preset) {
  switch (preset) {
    case HttpPreset::kClickhouse:
    case HttpPreset::kElasticsearch: return Encoding::kJson;
    case HttpPreset::kInflux: return Encoding::kInflux;
    default: return {};
  }
}

void fill_in_encoding(Draft& draft, Sink& sink, const TableSource& source) {
  const HttpPreset preset = sink.http.preset;
  const bool given = source.has("encoding");
  const std::string begin = "preset = " + in_quotes(to_string(preset)) + " sends ";
  if (const auto only = encoding_of(preset)) {
    if (given && source.sound("encoding") && sink.encoding != *only)
      source.error(draft.problems, source.place_of("encoding"), "encoding",
                   begin + in_quotes(to_string(*only)) + " and nothing else, leave it out");
    sink.encoding = *only;
    return;
  }
  const bool texts = preset == HttpPreset::kLoki || preset == HttpPreset::kSplunk;
  if (!texts || sink.encoding == Encoding::kRaw || sink.encoding == Encoding::kJson) return;
  source.error(draft.problems, source.place_of("encoding"), "encoding",
               begin + "\"raw\" or \"json\", got " + in_quotes(to_string(sink.encoding)));
}

/// What stands in a query as it is: `logs` or `database.logs`.
bool is_table_name(std::string_view text) {
  const auto is_part = [](std::string_view part) {
    return !part.empty() && !(part[0] >= '0' && part[0] <= '9') &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_';
           });
  };
  const std::size_t dot = text.find('.');
  return is_part(text.substr(0, dot)) &&
         (dot == std::string_view::npos || is_part(text.substr(dot + 1)));
}

void check_target(Draft& draft, const Sink& sink, const TableSource& source) {
  const HttpPreset preset = sink.http.preset;
  if (preset == HttpPreset::kNone || preset == HttpPreset::kLoki)
    source.warn_if_given(
        draft.problems, "http.target",
        "no effect: preset = " + in_quotes(to_string(preset)) + " has no such thing");
  const bool in_url = sink.http.endpoint.find("query=") != std::string::npos;
  if (preset == HttpPreset::kClickhouse && sink.http.target.empty() && !in_url)
    source.error(draft.problems, source.place_of("preset"), "http.target",
                 "missing, preset = \"clickhouse\" needs a table, such as \"logs\"");
  if (preset == HttpPreset::kClickhouse && !sink.http.target.empty() &&
      !is_table_name(sink.http.target))
    source.error(
        draft.problems, source.place_of("http.target"), "http.target",
        "expected a table, letters, digits and _ such as \"logs\" or \"database.logs\" (any "
        "other name goes into a query of the endpoint), got " +
            source.item("http.target", 0).shown);
}

void check_http_sink(Draft& draft, Sink& sink, const TableSource& source) {
  check_endpoint(draft, sink, source);
  check_headers(draft, sink, source);
  if (source.sound("preset")) {
    check_target(draft, sink, source);
    fill_in_encoding(draft, sink, source);
  }
  source.error_if_alone(draft.problems, "http.client_key", "http.client_cert");
  if (!sink.http.endpoint.starts_with("https://")) {
    for (const std::string_view key : {"http.ca_file", "http.client_cert", "http.client_key"})
      source.warn_if_given(draft.problems, key, "no effect: endpoint does not begin with https://");
  }
  for (const auto key : kKeysOfFileSinks)
    source.error_if_given(draft.problems, key,
                          "a sink of type \"http\" has no file, only \"file\" has");
  for (const auto key : kIdleKeys)
    source.warn_if_given(draft.problems, key, "no effect: a sink of type \"http\" writes no files");
  if (sink.encoding != Encoding::kRaw && source.sound("encoding"))
    source.warn_if_given(draft.problems, "newlines", "no effect: only for encoding \"raw\"");
}

}  // namespace

void check_http_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    Sink& sink = draft.config.sinks[i];
    const TableSource& source = draft.sinks[i];
    if (!source.sound("type")) continue;
    if (sink.type == SinkType::kHttp) {
      check_http_sink(draft, sink, source);
      continue;
    }
    refuse_keys_of("http", kHttpKeys, source, draft.problems);
  }
}

}  // namespace penstock::config
