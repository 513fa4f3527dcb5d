#pragma once

#include <string>

namespace penstock {

/// At most five characters: `0`, `999`, `1.2K`, `34K`, `5.6M`, powers of 1024. For bytes and bytes a second.
std::string short_bytes(double bytes);
/// The same in powers of 1000, `k` for the first. For numbers of records and connections.
std::string short_number(double number);
/// At most five characters: `0.3s`, `59s`, `12m`, `3h12m`, `45d`.
std::string short_time(double seconds);

}  // namespace penstock
