#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"

/// balance = "hash": which receiver gets a record, by its key. Rendezvous hashing (Thaler and Ravishankar, 1998): each
/// receiver has a weight for each key and the heaviest one that can be used gets it. So a receiver that leaves or comes
/// back moves its own keys only, and the order of the URLs does not matter.
namespace penstock {

/// Of listener and peer: address, or user of unix peers. Ports do not count, so that a peer that connects again keeps its
/// receiver. The same in every process.
std::uint64_t balance_key(const Segment& segment) noexcept;

/// Of a receiver, by its URL.
std::uint64_t balance_seed(std::string_view url) noexcept;

/// The index of the heaviest of `seeds` for `key` among those that `usable` says true of; at least one must be.
std::size_t heaviest(std::uint64_t key, const std::vector<std::uint64_t>& seeds,
                     const std::vector<bool>& usable) noexcept;

}  // namespace penstock
