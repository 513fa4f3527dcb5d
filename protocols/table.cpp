#include "protocols/table.h"

#include <algorithm>
#include <array>

#include "protocols/raw/decoder.h"

namespace penstock {
namespace {

std::unique_ptr<Decoder> make_raw(const ProtocolOptions& options) {
  return make_raw_decoder(std::get<FramingOptions>(options));
}

constexpr std::array kTable = {
    ProtocolInfo{.name = "raw",
                 .transports = {.streams = true, .datagrams = true},
                 .default_port = 0,
                 .acks = false,
                 .make = make_raw},
};

}  // namespace

std::span<const ProtocolInfo> protocol_table() noexcept { return kTable; }

const ProtocolInfo* find_protocol(std::string_view name) noexcept {
  const auto* row = std::ranges::find(kTable, name, &ProtocolInfo::name);
  return row == kTable.end() ? nullptr : row;
}

}  // namespace penstock
