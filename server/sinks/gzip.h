#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// `bytes` as one gzip member (RFC 1952), at zlib's usual level; the same bytes always give the same member.
std::string gzip(std::string_view bytes);

}  // namespace penstock
