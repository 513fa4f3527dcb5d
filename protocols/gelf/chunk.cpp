#include "protocols/gelf/chunk.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace penstock::gelf {
namespace {

constexpr std::size_t kIdAt = 2, kIdBytes = 8, kNumberAt = 10, kCountAt = 11;
/// Chunks of whole messages that are remembered: 512 KiB.
constexpr std::size_t kMostHashes = std::size_t{64} << 10;
/// Of what waits may be remembered of what is whole.
constexpr std::size_t kRememberedShare = 8;
/// What the nodes of a list and of a map take beside their values, about.
constexpr std::size_t kNodesBytes = 96;
/// What an allocation takes beside its bytes, about.
constexpr std::size_t kAllocationBytes = 16;
constexpr Problem kTooLong{"a GELF message longer than gelf.max_message_bytes"};

std::uint64_t hash_of(std::string_view datagram) noexcept {
  return std::hash<std::string_view>{}(datagram);
}

unsigned byte_at(std::string_view datagram, std::size_t at) noexcept {
  return static_cast<unsigned char>(datagram[at]);
}

std::size_t memory_of(std::size_t datagram_bytes) noexcept {
  return datagram_bytes + kAllocationBytes;
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

std::shared_ptr<ChunkMemory> make_chunk_memory(std::size_t max_chunk_bytes) {
  const std::size_t beside =
      ChunkTable::memory_of_set(kMostChunks) + kMostChunks * memory_of(kChunkHeaderBytes);
  return std::shared_ptr<ChunkMemory>(
      new ChunkMemory{.waiting = ByteBudget(max_chunk_bytes + beside),
                      .remembered = ByteBudget(max_chunk_bytes / kRememberedShare)});
}

ChunkTable::ChunkTable(const ChunkLimits& limits, std::shared_ptr<ChunkMemory> memory) noexcept
    : limits_(limits), memory_(std::move(memory)) {}

ChunkTable::~ChunkTable() {
  memory_->waiting.give_back(waiting_);
  memory_->remembered.give_back(remembered_);
}

std::size_t ChunkTable::memory_of_set(std::size_t chunks) noexcept {
  return sizeof(Set) + sizeof(Key) + kNodesBytes + chunks * sizeof(Kept);
}

std::size_t ChunkTable::memory_of_whole(std::size_t chunks) noexcept {
  return sizeof(Whole) + sizeof(Key) + kNodesBytes + chunks * sizeof(std::uint64_t);
}

std::optional<std::string> ChunkTable::add(std::string_view datagram, const Chunk& chunk, Now now,
                                           BatchWriter& writer) {
  Key key{writer.segment().peer, 0};
  std::memcpy(&key.id, chunk.id.data(), sizeof key.id);
  if (came_before(key, datagram, chunk, now)) {
    writer.counts().framing_bytes += datagram.size();
    return std::nullopt;
  }
  if (chunk.count == 1) return take_single(key, datagram, chunk, now, writer);
  const auto set = find_or_open(key, chunk, now, writer);
  if (!is_missing(*set, datagram, chunk, writer)) return std::nullopt;
  if (set->bytes + datagram.size() > limits_.max_message_bytes + chunk.count * kChunkHeaderBytes) {
    reject(set, datagram, Reason::kOversize, kTooLong, writer);
    return std::nullopt;
  }
  if (const Problem problem = take_room(set, datagram.size(), writer)) {
    reject(set, datagram, Reason::kPartialBudget, problem, writer);
    return std::nullopt;
  }
  store(*set, datagram, chunk, writer);
  if (set->missing != 0) return std::nullopt;
  return join(set, now, writer);
}

std::optional<std::string> ChunkTable::take_single(const Key& key, std::string_view datagram,
                                                   const Chunk& chunk, Now now,
                                                   BatchWriter& writer) {
  if (chunk.payload.size() > limits_.max_message_bytes) {
    writer.reject(Reason::kOversize, datagram, kTooLong);
    return std::nullopt;
  }
  remember(key, {hash_of(datagram)}, now);
  return std::string(chunk.payload);
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
  set.chunks.resize(chunk.count);
  set.missing = chunk.count;
  const auto last = std::prev(sets_.end());
  index_.emplace(key, last);
  return last;
}

/// False: it is here already, or contradicts what is, and has been counted.
bool ChunkTable::is_missing(const Set& set, std::string_view datagram, const Chunk& chunk,
                            BatchWriter& writer) {
  if (set.chunks.size() != chunk.count) {
    writer.reject(Reason::kMalformed, datagram,
                  {"a GELF chunk whose count is not that of the others", kCountAt});
    return false;
  }
  const std::string& before = set.chunks[chunk.number].datagram;
  if (before.empty()) return true;
  if (before == datagram)
    writer.counts().framing_bytes += datagram.size();
  else
    writer.reject(Reason::kMalformed, datagram,
                  {"a GELF chunk that came before with other bytes", kNumberAt});
  return false;
}

/// For a datagram of `set`. Older sets are given up for it where that helps. A problem: there is none.
Problem ChunkTable::take_room(Sets::iterator set, std::size_t datagram_bytes, BatchWriter& writer) {
  const bool first = set->missing == set->chunks.size(), last = set->missing == 1;
  const std::size_t bytes =
      memory_of(datagram_bytes) + (first ? memory_of_set(set->chunks.size()) : 0);
  if (last) memory_->waiting.take(bytes);  // and all of the set's goes back at once
  while (!last && (sets_.size() > limits_.max_sets || !memory_->waiting.try_take(bytes))) {
    const bool many = sets_.size() > limits_.max_sets;
    const Problem problem{many
                              ? "more unfinished GELF messages than gelf.max_chunk_sets"
                              : "more bytes of unfinished GELF messages than gelf.max_chunk_bytes"};
    const bool helps = many || waiting_ + memory_->waiting.free_bytes() >= bytes;
    if (!helps || sets_.begin() == set) return problem;
    reject(sets_.begin(), Reason::kPartialBudget, problem, writer);
  }
  set->memory += bytes;
  waiting_ += bytes;
  return {};
}

void ChunkTable::store(Set& set, std::string_view datagram, const Chunk& chunk,
                       BatchWriter& writer) {
  set.chunks[chunk.number] = {std::string(datagram), writer.segment().time_ns};
  --set.missing;
  set.bytes += datagram.size();
  writer.counts().compressed_bytes += datagram.size();
}

void ChunkTable::reject(Sets::iterator set, Reason reason, const Problem& problem,
                        BatchWriter& writer) {
  for (const Kept& kept : set->chunks) {
    if (kept.datagram.empty()) continue;
    writer.counts().decompressed_bytes += kept.datagram.size();
    writer.reject(reason, kept.datagram, problem, Receipt{set->key.peer, kept.time_ns});
  }
  forget(set);
}

/// With `datagram`, which was to become a part of it.
void ChunkTable::reject(Sets::iterator set, std::string_view datagram, Reason reason,
                        const Problem& problem, BatchWriter& writer) {
  reject(set, reason, problem, writer);
  writer.reject(reason, datagram, problem);
}

std::string ChunkTable::join(Sets::iterator set, Now now, BatchWriter& writer) {
  std::string joined;
  joined.reserve(set->bytes);
  std::vector<std::uint64_t> hashes;
  hashes.reserve(set->chunks.size());
  for (const Kept& kept : set->chunks) {
    joined.append(kept.datagram, kChunkHeaderBytes, std::string::npos);
    hashes.push_back(hash_of(kept.datagram));
  }
  writer.counts().decompressed_bytes += set->bytes;
  writer.counts().framing_bytes += set->chunks.size() * kChunkHeaderBytes;
  remember(set->key, std::move(hashes), now);
  forget(set);
  return joined;
}

void ChunkTable::forget(Sets::iterator set) {
  memory_->waiting.give_back(set->memory);
  waiting_ -= set->memory;
  index_.erase(set->key);
  sets_.erase(set);
}

/// Older ones are forgotten for it; where all room is with other tables it is not remembered.
void ChunkTable::remember(const Key& key, std::vector<std::uint64_t> hashes, Now now) {
  const std::size_t bytes = memory_of_whole(hashes.size());
  while (wholes_.size() >= limits_.max_sets || hashes_ + hashes.size() > kMostHashes ||
         !memory_->remembered.try_take(bytes)) {
    if (wholes_.empty()) return;
    forget(wholes_.begin());
  }
  remembered_ += bytes;
  hashes_ += hashes.size();
  wholes_.push_back({key, now.monotonic, std::move(hashes)});
  whole_index_.emplace(key, std::prev(wholes_.end()));
}

/// A chunk of a message that is whole. With other bytes it is one of another message that has its id.
bool ChunkTable::came_before(const Key& key, std::string_view datagram, const Chunk& chunk,
                             Now now) {
  forget_old_wholes(now);
  const auto found = whole_index_.find(key);
  if (found == whole_index_.end()) return false;
  const std::vector<std::uint64_t>& hashes = found->second->hashes;
  if (chunk.count == hashes.size() && hashes[chunk.number] == hash_of(datagram)) return true;
  forget(found->second);
  return false;
}

void ChunkTable::forget_old_wholes(Now now) {
  while (!wholes_.empty() && now.monotonic - wholes_.front().since >= kChunkPatience)
    forget(wholes_.begin());
}

void ChunkTable::forget(Wholes::iterator whole) {
  const std::size_t bytes = memory_of_whole(whole->hashes.size());
  memory_->remembered.give_back(bytes);
  remembered_ -= bytes;
  hashes_ -= whole->hashes.size();
  whole_index_.erase(whole->key);
  wholes_.erase(whole);
}

std::optional<std::chrono::milliseconds> ChunkTable::deadline() const noexcept {
  if (sets_.empty() && wholes_.empty()) return std::nullopt;
  auto oldest = std::chrono::milliseconds::max();
  if (!sets_.empty()) oldest = sets_.front().born;
  if (!wholes_.empty()) oldest = std::min(oldest, wholes_.front().since);
  return oldest + kChunkPatience;
}

void ChunkTable::expire(Now now, BatchWriter& writer) {
  while (!sets_.empty() && now.monotonic - sets_.front().born >= kChunkPatience)
    reject(sets_.begin(), Reason::kTailTimeout,
           {"a GELF message whose chunks did not all come within 5 s"}, writer);
  forget_old_wholes(now);
}

void ChunkTable::give_up(const char* why, BatchWriter& writer) {
  while (!sets_.empty()) reject(sets_.begin(), Reason::kTailDeadline, {why}, writer);
  while (!wholes_.empty()) forget(wholes_.begin());
}

}  // namespace penstock::gelf
