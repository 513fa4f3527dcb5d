#pragma once

#include <array>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"

namespace penstock {

struct MessageHeader {
  std::string_view name;  ///< static
  std::string value;
};

/// The headers of every record of `segment`: `listener`, `url`, `peer` (`192.0.2.1:5514`), and `time`, when it was
/// received, in RFC 3339 as JSON has it.
std::array<MessageHeader, 4> message_headers(const Segment& segment);

}  // namespace penstock
