#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/now.h"
#include "protocols/core/peer.h"
#include "protocols/core/problem.h"

namespace penstock::gelf {

inline constexpr std::string_view kChunkMagic = "\x1e\x0f";
inline constexpr std::size_t kChunkHeaderBytes = 12;
inline constexpr unsigned kMostChunks = 128;
/// So long all chunks of a message may take, counted from the first one.
inline constexpr std::chrono::milliseconds kChunkPatience{5000};

/// One datagram of a message that is sent in several: `1e 0f`, id, number, count, and a part of the message.
struct Chunk {
  std::string_view id;  ///< 8 bytes
  unsigned number = 0;  ///< from 0
  unsigned count = 0;   ///< 1 to kMostChunks
  std::string_view payload;
};

/// `datagram` begins with kChunkMagic.
Problem parse_chunk(std::string_view datagram, Chunk& chunk) noexcept;

/// How much of a decoder's memory chunks may take that wait for others.
struct ChunkLimits {
  std::size_t max_message_bytes = 0;
  std::size_t max_sets = 0;
  std::size_t max_bytes = 0;  ///< datagrams of all sets together
};

/// Puts the chunks of messages together: a set is known by its sender and id, chunks come in any order, and one that comes
/// twice counts once. What does not become whole is rejected datagram by datagram, so that the quarantine holds what can
/// be sent again: sets that are not whole within kChunkPatience, the oldest ones where a limit is reached, those that
/// become too long; and single datagrams that contradict their set. For kChunkPatience it is known of a whole set what
/// its chunks were, so that one that comes again behind the last one begins no set; other bytes under its id do.
///
/// Counting: a stored datagram counts as compressed, since it is taken and nothing has come of it, and as decompressed
/// when its set ends in whatever way. The headers of a whole message are framing then.
class ChunkTable {
 public:
  explicit ChunkTable(const ChunkLimits& limits) noexcept : limits_(limits) {}

  /// Takes one datagram with `chunk` in it. The whole message when it was the last one missing: valid until the next
  /// call, and its bytes are for the caller to count (`decompressed_bytes` has them already). The only one of its message
  /// gives its payload, and all of `datagram` is for the caller to count.
  std::optional<std::string_view> add(const Peer& peer, std::string_view datagram,
                                      const Chunk& chunk, Now now, BatchWriter& writer);

  /// When the oldest set's time is over; nothing where no set waits.
  std::optional<std::chrono::milliseconds> deadline() const noexcept;
  /// Rejects the sets whose time is over.
  void expire(Now now, BatchWriter& writer);
  /// Rejects all of them.
  void give_up(const char* why, BatchWriter& writer);

  std::size_t sets() const noexcept { return sets_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Key {
    Peer peer;
    std::uint64_t id = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Set {
    Key key;
    std::chrono::milliseconds born{0};
    std::vector<std::string> datagrams;  // by number; empty: not here yet
    std::size_t missing = 0;
    std::size_t bytes = 0;
  };
  using Sets = std::list<Set>;  // the oldest first
  struct Whole {
    Key key;
    std::chrono::milliseconds since{0};
    std::vector<std::uint64_t> hashes;  // of its datagrams, by number
  };
  using Wholes = std::list<Whole>;  // the oldest first

  Sets::iterator find_or_open(const Key& key, const Chunk& chunk, Now now, BatchWriter& writer);
  void store(Set& set, std::string_view datagram, const Chunk& chunk, BatchWriter& writer);
  void make_room(Sets::iterator keep, BatchWriter& writer);
  void reject(Sets::iterator set, Reason reason, const Problem& problem, BatchWriter& writer);
  std::string_view join(Sets::iterator set, Now now, BatchWriter& writer);
  void forget(Sets::iterator set);
  std::optional<std::string_view> take_single(const Key& key, std::string_view datagram,
                                              const Chunk& chunk, Now now, BatchWriter& writer);
  void remember(const Key& key, std::vector<std::uint64_t> hashes, Now now);
  bool came_before(const Key& key, std::string_view datagram, const Chunk& chunk, Now now);
  void forget(Wholes::iterator whole);

  const ChunkLimits limits_;
  Sets sets_;
  std::unordered_map<Key, Sets::iterator, Hash> index_;
  std::size_t bytes_ = 0;
  Wholes wholes_;
  std::unordered_map<Key, Wholes::iterator, Hash> whole_index_;
  std::size_t hashes_ = 0;  // of all of those
  std::string joined_;
};

}  // namespace penstock::gelf
