#include "server/sinks/relay/balance.h"

namespace penstock {
namespace {

// FNV-1a, 64 bits.
constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325, kFnvPrime = 0x100000001b3;

std::uint64_t fnv(std::uint64_t hash, std::string_view bytes) noexcept {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return hash;
}

// The finalizer of MurmurHash3: every bit of the input moves every bit of the output.
std::uint64_t mixed(std::uint64_t hash) noexcept {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

std::uint64_t balance_key(const Segment& segment) noexcept {
  constexpr std::string_view kBetween("\0", 1);
  constexpr std::size_t kInet4Bytes = 4;
  std::uint64_t hash = fnv(fnv(kFnvBasis, segment.origin->listener), kBetween);
  const Peer& peer = segment.peer;
  const auto* address = reinterpret_cast<const char*>(peer.address.data());
  switch (peer.kind) {
    case Peer::Kind::kInet4: return mixed(fnv(hash, {address, kInet4Bytes}));
    case Peer::Kind::kInet6: return mixed(fnv(hash, {address, peer.address.size()}));
    case Peer::Kind::kUnix: return mixed(hash ^ peer.uid);
    case Peer::Kind::kNone: break;
  }
  return mixed(hash);
}

std::uint64_t balance_seed(std::string_view url) noexcept { return mixed(fnv(kFnvBasis, url)); }

std::size_t heaviest(std::uint64_t key, const std::vector<std::uint64_t>& seeds,
                     const std::vector<bool>& usable) noexcept {
  std::size_t best = seeds.size();
  std::uint64_t most = 0;
  for (std::size_t at = 0; at < seeds.size(); ++at) {
    const std::uint64_t weight = mixed(key ^ seeds[at]);
    if (!usable[at] || (best != seeds.size() && weight <= most)) continue;
    best = at;
    most = weight;
  }
  return best;
}

}  // namespace penstock
