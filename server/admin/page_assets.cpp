#include "server/admin/page_assets.h"

#include <algorithm>
#include <string>

#include "server/admin/page_files.h"  // made from page/ by embed.cmake

namespace penstock::admin {

const PageAsset* find_page_asset(std::string_view path) noexcept {
  const auto* found = std::find_if(kPageFiles.begin(), kPageFiles.end(),
                                   [&](const PageAsset& asset) { return asset.path == path; });
  return found != kPageFiles.end() ? &*found : nullptr;
}

HttpReply page_reply(const PageAsset& asset) {
  return {.type = std::string(asset.type),
          .body = std::string(asset.text),
          .headers = {
              {"Content-Security-Policy",
               "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
              {"X-Content-Type-Options", "nosniff"},
              {"Referrer-Policy", "no-referrer"},
              {"Cache-Control", "no-cache"}}};
}

}  // namespace penstock::admin
