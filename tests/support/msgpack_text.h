#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "protocols/msgpack/fields.h"
#include "protocols/msgpack/value_scan.h"
#include "tests/protocols/events.h"

namespace penstock::test {

/// Maps that stand one behind the other, each in the form of to_text(). Throws where `bytes` is anything else.
inline std::vector<std::string> msgpack_texts(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    msgpack::ValueScan scan(
        {.max_bytes = bytes.size(), .max_depth = msgpack::ValueScan::kMostDepth});
    if (scan.run(bytes) != msgpack::ValueScan::Status::kWhole)
      throw std::runtime_error("no MessagePack value at byte " + std::to_string(scan.at()));
    const std::string_view map = bytes.substr(0, scan.size());
    FieldBuffer buffer;
    FieldWriter fields(buffer, map, EventShape::kLog);
    msgpack::write_pairs(map, fields);
    out.push_back(to_text(Event(buffer.data() + fields.finish(), map)));
    bytes.remove_prefix(map.size());
  }
  return out;
}

}  // namespace penstock::test
