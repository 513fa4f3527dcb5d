#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/byte_budget.h"
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

/// What the tables of all decoders of a listener may hold together. Any thread.
struct ChunkMemory {
  ByteBudget waiting;     ///< chunks of which others are missing
  ByteBudget remembered;  ///< what is known of messages that became whole
};

/// Room for messages of `max_chunk_bytes` together, however many chunks the last of them has, and for an eighth of that to
/// remember whole ones.
std::shared_ptr<ChunkMemory> make_chunk_memory(std::size_t max_chunk_bytes);

/// What one table takes.
struct ChunkLimits {
  std::size_t max_message_bytes = 0;
  std::size_t max_sets = 0;
};

/// Puts the chunks of messages together: a set is known by its sender and id, chunks come in any order, and one that comes
/// twice counts once. What does not become whole is rejected datagram by datagram, each as its sender's, so that the
/// quarantine holds what can be sent again: sets that are not whole within kChunkPatience, the oldest ones where a limit is
/// reached, those that become too long; and single datagrams that contradict their set. For kChunkPatience it is known of a
/// whole set what its chunks were, so that one that comes again behind the last one begins no set; other bytes under its id
/// do.
///
/// Memory is shared with other tables, and each gives up only what is its own: where the rest of it is with others, a chunk
/// is rejected together with its set. The chunk that makes a message whole needs no room.
///
/// Counting: a stored datagram counts as compressed, since it is taken and nothing has come of it, and as decompressed
/// when its set ends in whatever way. The headers of a whole message are framing then.
class ChunkTable {
 public:
  ChunkTable(const ChunkLimits& limits, std::shared_ptr<ChunkMemory> memory) noexcept;
  ~ChunkTable();
  ChunkTable(const ChunkTable&) = delete;
  ChunkTable& operator=(const ChunkTable&) = delete;

  /// Takes one datagram with `chunk` in it, of the sender in `writer.segment()`. The whole message when it was the last one
  /// missing: its bytes are for the caller to count (`decompressed_bytes` has them already). The only one of its message
  /// gives its payload, and all of `datagram` is for the caller to count.
  std::optional<std::string> add(std::string_view datagram, const Chunk& chunk, Now now,
                                 BatchWriter& writer);

  /// When the time of the oldest set is over, or of the oldest message that is remembered; nothing where there is none.
  std::optional<std::chrono::milliseconds> deadline() const noexcept;
  /// Rejects the sets, and forgets the messages, whose time is over.
  void expire(Now now, BatchWriter& writer);
  /// Rejects and forgets all of them.
  void give_up(const char* why, BatchWriter& writer);

 private:
  struct Key {
    Peer peer;
    std::uint64_t id = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Kept {
    std::string datagram;  // empty: not here yet
    std::int64_t time_ns = 0;
  };
  struct Set {
    Key key;
    std::chrono::milliseconds born{0};
    std::vector<Kept> chunks;  // by number
    std::size_t missing = 0;
    std::size_t bytes = 0;   // of the datagrams
    std::size_t memory = 0;  // taken for it
  };
  using Sets = std::list<Set>;  // the oldest first
  struct Whole {
    Key key;
    std::chrono::milliseconds since{0};
    std::vector<std::uint64_t> hashes;  // of its datagrams, by number
  };
  using Wholes = std::list<Whole>;  // the oldest first

  friend std::shared_ptr<ChunkMemory> make_chunk_memory(std::size_t max_chunk_bytes);
  static std::size_t memory_of_set(std::size_t chunks) noexcept;
  static std::size_t memory_of_whole(std::size_t chunks) noexcept;

  std::optional<std::string> take_single(const Key& key, std::string_view datagram,
                                         const Chunk& chunk, Now now, BatchWriter& writer);
  Sets::iterator find_or_open(const Key& key, const Chunk& chunk, Now now, BatchWriter& writer);
  static bool is_missing(const Set& set, std::string_view datagram, const Chunk& chunk,
                         BatchWriter& writer);
  Problem take_room(Sets::iterator set, std::size_t datagram_bytes, BatchWriter& writer);
  static void store(Set& set, std::string_view datagram, const Chunk& chunk, BatchWriter& writer);
  void reject(Sets::iterator set, Reason reason, const Problem& problem, BatchWriter& writer);
  void reject(Sets::iterator set, std::string_view datagram, Reason reason, const Problem& problem,
              BatchWriter& writer);
  std::string join(Sets::iterator set, Now now, BatchWriter& writer);
  void forget(Sets::iterator set);
  void remember(const Key& key, std::vector<std::uint64_t> hashes, Now now);
  bool came_before(const Key& key, std::string_view datagram, const Chunk& chunk, Now now);
  void forget_old_wholes(Now now);
  void forget(Wholes::iterator whole);

  const ChunkLimits limits_;
  const std::shared_ptr<ChunkMemory> memory_;
  Sets sets_;
  std::unordered_map<Key, Sets::iterator, Hash> index_;
  std::size_t waiting_ = 0;  // of memory_->waiting
  Wholes wholes_;
  std::unordered_map<Key, Wholes::iterator, Hash> whole_index_;
  std::size_t hashes_ = 0;      // of all of those
  std::size_t remembered_ = 0;  // of memory_->remembered
};

}  // namespace penstock::gelf
