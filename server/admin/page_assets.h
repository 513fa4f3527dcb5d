#pragma once

#include <string_view>

#include "server/admin/http.h"

namespace penstock::admin {

/// A file of the status page, built into the binary.
struct PageAsset {
  std::string_view path;  ///< `/` or `/assets/NAME`
  std::string_view type;
  std::string_view text;
};

/// Null: the page has no such file.
const PageAsset* find_page_asset(std::string_view path) noexcept;

/// With headers that keep the page to itself: nothing from another host, no inline script, no frame around it.
HttpReply page_reply(const PageAsset& asset);

}  // namespace penstock::admin
