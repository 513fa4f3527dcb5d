#include "server/admin/page_assets.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace penstock::admin {
namespace {

std::string source_of(const std::string& name) {
  std::ifstream file(std::string(PENSTOCK_PAGE_FOLDER) + "/" + name, std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// All paths that `text` refers to by src, href or import.
std::vector<std::string> references(const std::string& text) {
  static const std::regex kReference(R"re((?:src=|href=|from )"(/[^"]*)")re");
  std::vector<std::string> paths;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), kReference);
       at != std::sregex_iterator(); ++at)
    paths.push_back((*at)[1]);
  return paths;
}

TEST_CASE("page: each file is served as it stands in its folder", "[admin][page]") {
  const auto [path, name, type] = GENERATE(table<const char*, const char*, const char*>({
      {"/", "index.html", "text/html; charset=utf-8"},
      {"/assets/page.css", "page.css", "text/css; charset=utf-8"},
      {"/assets/page.js", "page.js", "text/javascript; charset=utf-8"},
      {"/assets/icon.svg", "icon.svg", "image/svg+xml"},
  }));
  CAPTURE(path);
  const PageAsset* asset = find_page_asset(path);
  REQUIRE(asset != nullptr);
  CHECK(asset->type == type);
  CHECK(std::string(asset->text) == source_of(name));
}

TEST_CASE("page: what it refers to is served too, and nothing is of another host",
          "[admin][page]") {
  std::vector<std::string> paths = {"/"};
  for (std::size_t at = 0; at < paths.size(); ++at) {  // grows
    CAPTURE(paths[at]);
    const PageAsset* asset = find_page_asset(paths[at]);
    REQUIRE(asset != nullptr);
    const std::string text(asset->text);
    CHECK(std::regex_replace(text, std::regex("http://www.w3.org/2000/svg"), "").find("://") ==
          std::string::npos);
    CHECK(text.find("innerHTML") == std::string::npos);
    for (const std::string& path : references(text))
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  CHECK(paths.size() >= 11);
}

TEST_CASE("page: other paths are not of the page", "[admin][page]") {
  CHECK(find_page_asset("") == nullptr);
  CHECK(find_page_asset("/assets/") == nullptr);
  CHECK(find_page_asset("/assets/../page.js") == nullptr);
  CHECK(find_page_asset("/index.html") == nullptr);
}

TEST_CASE("page: it is kept to itself", "[admin][page]") {
  const HttpReply reply = page_reply(*find_page_asset("/"));
  const auto has = [&](const std::string& name, const std::string& value) {
    return std::any_of(reply.headers.begin(), reply.headers.end(), [&](const auto& header) {
      return header.first == name && header.second.starts_with(value);
    });
  };
  CHECK(has("Content-Security-Policy", "default-src 'self';"));
  CHECK(has("X-Content-Type-Options", "nosniff"));
}

}  // namespace
}  // namespace penstock::admin
