#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Datagrams as collectd's network plugin makes them, for tests.
namespace penstock::test {

std::string number_part(std::uint16_t type, std::uint64_t number);
std::string text_part(std::uint16_t type, std::string_view text);

struct RawValue {
  std::uint8_t kind = 0;
  std::string bytes;
};
RawValue counter(std::uint64_t value);
RawValue gauge(double value);
RawValue derive(std::int64_t value);
RawValue absolute(std::uint64_t value);
std::string values_part(const std::vector<RawValue>& values);
/// Any part: type, length and body.
std::string part(std::uint16_t type, std::string_view body);

/// host, time, interval, plugin, type of one cpu value.
std::string cpu_packet();

/// `parts` behind the signature of `user`.
std::string sign(std::string_view parts, std::string_view user, std::string_view password);
/// One encrypted part that holds `parts`.
std::string encrypt(std::string_view parts, std::string_view user, std::string_view password);

}  // namespace penstock::test
