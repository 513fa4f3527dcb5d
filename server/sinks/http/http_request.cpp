#include "server/sinks/http/http_request.h"

#include <strings.h>
#include <zstd.h>

#include <algorithm>

#include "protocols/core/check.h"
#include "server/sinks/gzip.h"

namespace penstock {
namespace {

std::string_view default_path(config::HttpPreset preset) noexcept {
  switch (preset) {
    case config::HttpPreset::kInflux: return "/write";
    case config::HttpPreset::kLoki: return "/loki/api/v1/push";
    case config::HttpPreset::kElasticsearch: return "/_bulk";
    case config::HttpPreset::kSplunk: return "/services/collector/event";
    case config::HttpPreset::kNone:
    case config::HttpPreset::kClickhouse: break;
  }
  return "/";
}

/// RFC 3986 section 2.3: what needs no escape.
std::string escaped_for_query(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

/// `name=value` behind the others, unless the endpoint says something of `name` itself.
void add_parameter(std::string& query, std::string_view name, std::string_view value) {
  const std::string start = std::string(name) + '=';
  if (query.starts_with(start) || query.find('&' + start) != std::string::npos) return;
  query += (query.empty() ? "" : "&") + start + escaped_for_query(value);
}

void add_parameters(const config::HttpSink& http, std::string& query) {
  if (http.preset == config::HttpPreset::kInflux) {
    if (!http.target.empty()) add_parameter(query, "db", http.target);
    add_parameter(query, "precision", "ns");
  } else if (http.preset == config::HttpPreset::kClickhouse) {
    if (!http.target.empty())
      add_parameter(query, "query", "INSERT INTO " + http.target + " FORMAT JSONEachRow");
    add_parameter(query, "input_format_skip_unknown_fields", "1");
    add_parameter(query, "date_time_input_format", "best_effort");
  } else if (http.preset == config::HttpPreset::kElasticsearch) {
    add_parameter(query, "filter_path", "errors,items.*.status,items.*.error");  // a short answer
  }
}

bool names(const config::Option& header, std::string_view line) {
  return line.size() > header.name.size() && line[header.name.size()] == ':' &&
         ::strncasecmp(line.data(), header.name.data(), header.name.size()) == 0;
}

std::string zstd(const std::string& body) {
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), body.data(), body.size(), ZSTD_CLEVEL_DEFAULT);
  PENSTOCK_CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace

std::string http_url(const config::HttpSink& http) {
  const std::string& endpoint = http.endpoint;
  const std::size_t host = endpoint.find("://") + 3;
  const std::size_t question = std::min(endpoint.find('?', host), endpoint.size());
  const std::size_t slash = std::min(endpoint.find('/', host), question);
  std::string path = endpoint.substr(slash, question - slash);
  if (path.empty() || path == "/") path = default_path(http.preset);
  std::string query = question == endpoint.size() ? std::string() : endpoint.substr(question + 1);
  add_parameters(http, query);
  return endpoint.substr(0, slash) + path + (query.empty() ? "" : "?") + query;
}

std::string shown_http_url(std::string_view url) {
  return std::string(url.substr(0, url.find('?')));
}

std::vector<std::string> http_headers(const config::HttpSink& http, std::string_view content_type) {
  std::vector<std::string> lines = {"Content-Type: " + std::string(content_type),
                                    "Expect:"};  // no pause in front of a large body
  if (http.compression == config::HttpCompression::kGzip)
    lines.emplace_back("Content-Encoding: gzip");
  if (http.compression == config::HttpCompression::kZstd)
    lines.emplace_back("Content-Encoding: zstd");
  for (const config::Option& header : http.headers) {
    std::erase_if(lines, [&](const std::string& line) { return names(header, line); });
    lines.push_back(header.name + ": " + header.value);
  }
  return lines;
}

std::string http_compressed(config::HttpCompression compression, std::string body) {
  switch (compression) {
    case config::HttpCompression::kNone: break;
    case config::HttpCompression::kGzip: return gzip(body);
    case config::HttpCompression::kZstd: return zstd(body);
  }
  return body;
}

}  // namespace penstock
