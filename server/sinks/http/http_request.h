#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"

namespace penstock {

/// Where a sink's requests go: `endpoint`, with the path of the preset where it has none, and what the preset wants in its
/// query.
std::string http_url(const config::HttpSink& http);

/// The same as logs may show it: without query, for passwords are found there.
std::string shown_http_url(std::string_view url);

/// `Name: value` of each header of a request; the configured ones replace those that they name.
std::vector<std::string> http_headers(const config::HttpSink& http, std::string_view content_type);

/// `body` in the form of `compression`. Deterministic; no memory is kept.
std::string http_compressed(config::HttpCompression compression, std::string body);

}  // namespace penstock
