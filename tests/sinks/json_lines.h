#pragma once

#include <string>
#include <string_view>

#include "protocols/core/batch.h"

namespace penstock::test {

/// The line that `encoding = "json"` makes of a record of an IPv4 peer received at the beginning of 1970, put together by
/// hand. `message` as it stands between the quotes.
inline std::string json_line(const Origin& origin, const Peer& peer, std::string_view message) {
  std::string line = R"({"time":"1970-01-01T00:00:00.000000000Z","listener":")" + origin.listener;
  line += R"(","url":")" + origin.url + R"(","peer":{"address":")" + address_text(peer);
  line += R"(","port":)" + std::to_string(peer.port) + R"(},"flags":[],"message":")";
  return line.append(message) + "\"}\n";
}

}  // namespace penstock::test
