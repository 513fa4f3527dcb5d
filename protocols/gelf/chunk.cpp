#include "protocols/gelf/chunk.h"

#include <cstring>
#include <functional>

namespace penstock::gelf {
namespace {

constexpr std::size_t kIdAt = 2, kIdBytes = 8, kNumberAt = 10, kCountAt = 11;
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;
/// Chunks of whole messages that are remembered: 512 KiB.
constexpr std::size_t kMostHashes = std::size_t{64} << 10;
constexpr Problem kTooLong{"a GELF message longer than gelf.max_message_bytes"};

std::uint64_t hash_of(std::string_view datagram) noexcept {
  return std::hash<std::string_view>{}(datagram);
}

unsigned byte_at(std::string_view datagram, std::size_t at) noexcept {
  return static_cast<unsigned char>(datagram[at]);
}

}  // namespace

Problem parse_chunk(std::string_view datagram, Chunk& chunk) noexcept {
  if (datagram.size() < kChunkHeaderBytes)
    return {"a GELF chunk without its 12 bytes of header", datagram.size()};
  chunk.id = datagram.substr(kIdAt, kIdBytes);
  chunk.number = byte_at(datagram, kNumberAt);
  chunk.count = byte_at(datagram, kCountAt);
  chunk.payload = datagram.substr(kChunkHeaderBytes);
  if (chunk.count == 0 || chunk.count > kMostChunks)
    return {"a GELF message of 0 or more than 128 chunks", kCountAt};
  if (chunk.number >= chunk.count)
    return {"a GELF chunk whose number is not below their count", kNumberAt};
  return {};
}

std::size_t ChunkTable::Hash::operator()(const Key& key) const noexcept {
  std::size_t hash = std::hash<std::uint64_t>{}(key.id);
  const auto mix = [&hash](std::size_t more) { hash = (hash ^ more) * 0x9e3779b97f4a7c15u; };
  std::uint64_t halves[2];
  std::memcpy(halves, key.peer.address.data(), sizeof halves);
  mix(halves[0]);
  mix(halves[1]);
  mix(key.peer.port + (static_cast<std::size_t>(key.peer.pid) << 16));
  return hash ^ hash >> 32;
}

std::optional<std::string_view> ChunkTable::add(const Peer& peer, std::string_view datagram,
                                                const Chunk& chunk, Now now, BatchWriter& writer) {
  Key key{peer, 0};
  std::memcpy(&key.id, chunk.id.data(), sizeof key.id);
  if (came_before(key, datagram, chunk, now)) {
    writer.counts().framing_bytes += datagram.size();
    return std::nullopt;
  }
  if (chunk.count == 1) return take_single(key, datagram, chunk, now, writer);
  const auto found = find_or_open(key, chunk, now, writer);
  Set& set = *found;
  if (set.datagrams.size() != chunk.count) {
    writer.reject(Reason::kMalformed, datagram,
                  {"a GELF chunk whose count is not that of the others", kCountAt});
    return std::nullopt;
  }
  if (const std::string& before = set.datagrams[chunk.number]; !before.empty()) {
    if (before == datagram)
      writer.counts().framing_bytes += datagram.size();
    else
      writer.reject(Reason::kMalformed, datagram,
                    {"a GELF chunk that came before with other bytes", kNumberAt});
    return std::nullopt;
  }
  store(set, datagram, chunk, writer);
  if (set.bytes > limits_.max_message_bytes + set.datagrams.size() * kChunkHeaderBytes) {
    reject(found, Reason::kOversize, kTooLong, writer);
    return std::nullopt;
  }
  if (set.missing == 0) return join(found, now, writer);
  make_room(found, writer);
  return std::nullopt;
}

std::optional<std::string_view> ChunkTable::take_single(const Key& key, std::string_view datagram,
                                                        const Chunk& chunk, Now now,
                                                        BatchWriter& writer) {
  if (chunk.payload.size() > limits_.max_message_bytes) {
    writer.reject(Reason::kOversize, datagram, kTooLong);
    return std::nullopt;
  }
  remember(key, {hash_of(datagram)}, now);
  return chunk.payload;
}

ChunkTable::Sets::iterator ChunkTable::find_or_open(const Key& key, const Chunk& chunk, Now now,
                                                    BatchWriter& writer) {
  if (const auto found = index_.find(key); found != index_.end()) {
    if (now.monotonic - found->second->born < kChunkPatience) return found->second;
    expire(now, writer);
  }
  Set& set = sets_.emplace_back();
  set.key = key;
  set.born = now.monotonic;
  set.datagrams.resize(chunk.count);
  set.missing = chunk.count;
  const auto last = std::prev(sets_.end());
  index_.emplace(key, last);
  return last;
}

void ChunkTable::store(Set& set, std::string_view datagram, const Chunk& chunk,
                       BatchWriter& writer) {
  set.datagrams[chunk.number] = datagram;
  --set.missing;
  set.bytes += datagram.size();
  bytes_ += datagram.size();
  writer.counts().compressed_bytes += datagram.size();
}

void ChunkTable::make_room(Sets::iterator keep, BatchWriter& writer) {
  while (sets_.size() > limits_.max_sets || bytes_ > limits_.max_bytes) {
    const bool sets = sets_.size() > limits_.max_sets;
    const bool last = sets_.begin() == keep;
    reject(sets_.begin(), Reason::kPartialBudget,
           {sets ? "more unfinished GELF messages than gelf.max_chunk_sets"
                 : "more bytes of unfinished GELF messages than gelf.max_chunk_bytes"},
           writer);
    if (last) return;
  }
}

void ChunkTable::reject(Sets::iterator set, Reason reason, const Problem& problem,
                        BatchWriter& writer) {
  for (const std::string& datagram : set->datagrams) {
    if (datagram.empty()) continue;
    writer.counts().decompressed_bytes += datagram.size();
    writer.reject(reason, datagram, problem);
  }
  forget(set);
}

std::string_view ChunkTable::join(Sets::iterator set, Now now, BatchWriter& writer) {
  if (joined_.capacity() > kKeptBytes) joined_ = {};
  joined_.clear();
  for (const std::string& datagram : set->datagrams)
    joined_.append(datagram, kChunkHeaderBytes, std::string::npos);
  writer.counts().decompressed_bytes += set->bytes;
  writer.counts().framing_bytes += set->datagrams.size() * kChunkHeaderBytes;
  std::vector<std::uint64_t> hashes;
  hashes.reserve(set->datagrams.size());
  for (const std::string& datagram : set->datagrams) hashes.push_back(hash_of(datagram));
  remember(set->key, std::move(hashes), now);
  forget(set);
  return joined_;
}

void ChunkTable::forget(Sets::iterator set) {
  bytes_ -= set->bytes;
  index_.erase(set->key);
  sets_.erase(set);
}

void ChunkTable::remember(const Key& key, std::vector<std::uint64_t> hashes, Now now) {
  hashes_ += hashes.size();
  wholes_.push_back({key, now.monotonic, std::move(hashes)});
  whole_index_.emplace(key, std::prev(wholes_.end()));
  while (wholes_.size() > limits_.max_sets || hashes_ > kMostHashes) forget(wholes_.begin());
}

/// A chunk of a message that is whole. With other bytes it is one of another message that has its id.
bool ChunkTable::came_before(const Key& key, std::string_view datagram, const Chunk& chunk,
                             Now now) {
  while (!wholes_.empty() && now.monotonic - wholes_.front().since >= kChunkPatience)
    forget(wholes_.begin());
  const auto found = whole_index_.find(key);
  if (found == whole_index_.end()) return false;
  const std::vector<std::uint64_t>& hashes = found->second->hashes;
  if (chunk.count == hashes.size() && hashes[chunk.number] == hash_of(datagram)) return true;
  forget(found->second);
  return false;
}

void ChunkTable::forget(Wholes::iterator whole) {
  hashes_ -= whole->hashes.size();
  whole_index_.erase(whole->key);
  wholes_.erase(whole);
}

std::optional<std::chrono::milliseconds> ChunkTable::deadline() const noexcept {
  if (sets_.empty()) return std::nullopt;
  return sets_.front().born + kChunkPatience;
}

void ChunkTable::expire(Now now, BatchWriter& writer) {
  while (!sets_.empty() && now.monotonic - sets_.front().born >= kChunkPatience)
    reject(sets_.begin(), Reason::kTailTimeout,
           {"a GELF message whose chunks did not all come within 5 s"}, writer);
}

void ChunkTable::give_up(const char* why, BatchWriter& writer) {
  while (!sets_.empty()) reject(sets_.begin(), Reason::kTailDeadline, {why}, writer);
}

}  // namespace penstock::gelf
