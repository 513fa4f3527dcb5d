#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "server/pipeline/counter.h"
#include "server/pipeline/histogram.h"

namespace penstock {

/// How a connection ended, as the last log lines and metrics name it.
enum class ConnectionEnd : std::uint8_t {
  kClean,     ///< both FINs seen, everything read
  kProbe,     ///< opened and closed without a byte
  kQuiet,     ///< stop: silent on a frame boundary, frozen and closed before the deadline
  kDeadline,  ///< stop: frozen at the deadline, all that was acknowledged was read
  kUnfrozen,  ///< stop: closed at the deadline without a proof of exactness
  kTimeout,   ///< idle or first-byte timeout
  kMalformed,  ///< framing or compression beyond repair, too much decompressed, or oversize = "close"
  kPartialBudget,
  kRefused,  ///< over a limit: FIN, read and discarded
  kResetByPeer,
  kResetByUs,  ///< had to be closed with unread data, or left in an accept queue without a descriptor
  kAbandoned,      ///< stop: unread data left because nothing could take it
  kUndelivered,    ///< a required sink failed: closed without its acknowledgement
  kRepliesUnread,  ///< the peer does not read its replies
  kCount
};
inline constexpr std::size_t kConnectionEndCount = static_cast<std::size_t>(ConnectionEnd::kCount);
std::string_view to_string(ConnectionEnd end) noexcept;

/// Why an event that a route took never reached its sink.
enum class RouteLoss : std::uint8_t {
  kQueueFull,  ///< when_full = "drop_newest", or a best-effort sink
  kFailed,  ///< the sink said it will never succeed; a required sink's events then go to the quarantine
  kLeftover,     ///< left over at stop, for the next start
  kAbandoned,    ///< stop: even that failed
  kUnencodable,  ///< the sink's encoding has no form for it; it goes to the quarantine
  kDropOldest,   ///< when_full = "drop_oldest": its segment of the queue was removed
  kDamaged,      ///< the disk gave it back damaged, or not at all
  kRefused,      ///< the other side refused it for good; it goes to the quarantine with the answer
  kCount
};
inline constexpr std::size_t kRouteLossCount = static_cast<std::size_t>(RouteLoss::kCount);
std::string_view to_string(RouteLoss loss) noexcept;

/// What one URL of a listener did on one loop: written by that loop only, published at the end of each turn.
struct UrlCell {
  Counter read_bytes;  ///< by recv, datagrams at their length on the wire
  Counter compressed_bytes, decompressed_bytes, truncated_streams;
  Counter in_frames_bytes, framing_bytes, cut_bytes, partial_held_bytes;
  std::array<Counter, kReasonCount> discarded_bytes;
  Counter frames, decoded, empty, truncated, partial, unparsed, aggregated, unaggregated;
  Counter flushed, events;
  std::array<Counter, kReasonCount> rejected;
  Counter datagrams;               ///< datagrams and packets read
  Counter kernel_drops;            ///< of its datagram sockets, up to the stop's freeze
  Counter refused_while_stopping;  ///< datagrams the freeze turned away
  Counter accepted, active;        ///< connections so far / now
  Counter paused;                  ///< connections and datagram sockets that wait for a gate now
  std::array<Counter, kConnectionEndCount> ended;

  /// Adds what has come since `published` and makes `published` equal to `counts`. Differences, so that two accounts of
  /// one URL on one loop (a reload) can share the cell.
  void publish(const FrameCounts& counts, FrameCounts& published) noexcept;
};

/// What a listener's intake on one loop hands on; written by that loop.
struct BatchCell {
  Histogram events{kCountBounds};  ///< records of a batch
  Histogram bytes{kByteBounds};    ///< of the block, that the batch spans
};

/// All of a URL; lives until the process ends.
struct UrlLedger {
  UrlLedger(std::string text, std::size_t loops);

  std::string url;
  std::vector<std::unique_ptr<UrlCell>> cells;  ///< by loop index
};

/// All of a listener; lives until the process ends.
struct ListenerLedger {
  ListenerLedger(std::string listener, std::size_t loops);

  std::string name;
  std::vector<std::unique_ptr<BatchCell>> batches;  ///< by loop index
  std::deque<UrlLedger> urls;                       // deque: addresses stay
};

/// Events of one (listener, sink). `events` is added to on any loop (atomic), the rest on the sink's thread.
struct RouteLedger {
  RouteLedger(std::string listener_name, std::string sink_name)
      : listener(std::move(listener_name)), sink(std::move(sink_name)) {}

  std::string listener, sink;
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> recovered{0};  ///< from a queue on disk, of an earlier run
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> queued{0};
  std::array<std::atomic<std::uint64_t>, kRouteLossCount> lost{};
  Histogram delivery_ns{kDelayBounds};  ///< from read to delivered, an entry a record
};

/// One I/O loop, written by it.
struct LoopCell {
  Histogram turn_ns{kTurnBounds};  ///< work between two sleeps
  Counter connections;             ///< open now
};

inline void count_loss(RouteLedger& route, RouteLoss loss, std::uint64_t events) noexcept {
  route.lost[static_cast<std::size_t>(loss)].fetch_add(events, std::memory_order_relaxed);
}

/// Plain sums of one URL, or of all URLs of a listener.
struct IntakeTotals {
  std::uint64_t read_bytes = 0, partial_held_bytes = 0, datagrams = 0, kernel_drops = 0,
                refused_while_stopping = 0;
  std::uint64_t accepted = 0, active = 0, paused = 0;
  FrameCounts counts;
  std::array<std::uint64_t, kConnectionEndCount> ended{};

  IntakeTotals& operator+=(const IntakeTotals& other) noexcept;
  /// DESIGN.md section 7: read + decompressed = compressed + in_frames + framing + cut + discarded + partial_held; and
  /// frames = decoded + aggregated + empty + rejected; events = decoded + flushed. Exact when the loops stand still.
  bool bytes_balance() const noexcept;
  bool frames_balance() const noexcept;
};

struct UrlTotals : IntakeTotals {
  std::string url;
};

struct ListenerTotals : IntakeTotals {
  std::string name;
  std::vector<UrlTotals> urls;
  HistogramTotals batch_events, batch_bytes;
};

struct RouteTotals {
  std::string listener, sink;
  std::uint64_t events = 0, recovered = 0, delivered = 0, queued = 0;
  std::array<std::uint64_t, kRouteLossCount> lost{};
  HistogramTotals delivery_ns;
  /// events + recovered = delivered + queued + lost. Exact when loops and sinks stand still.
  bool balance() const noexcept;
};

struct LoopTotals {
  std::uint64_t connections = 0;
  HistogramTotals turn_ns;
};

struct LedgerSnapshot {
  std::vector<RouteTotals> routes;        ///< read first
  std::vector<ListenerTotals> listeners;  ///< read last
  std::vector<LoopTotals> loops;
};

/// The registry of counters, by name; entries survive their listener. Any thread; look-ups take a lock, counting none.
class Ledger {
 public:
  explicit Ledger(std::size_t loops);

  ListenerLedger& listener(std::string_view name);  ///< creates it at first use
  RouteLedger& route(std::string_view listener,
                     std::string_view sink);                        ///< creates it at first use
  UrlLedger& url(std::string_view listener, std::string_view url);  ///< the same of both
  LoopCell& loop(std::size_t index) noexcept { return *loops_[index]; }
  LedgerSnapshot snapshot() const;

 private:
  ListenerLedger& find_listener(std::string_view name);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<LoopCell>> loops_;
  std::deque<ListenerLedger> listeners_;  // deque: addresses stay
  std::deque<RouteLedger> routes_;
};

/// Writes the whole ledger to the log, one line a listener and one a route, each with `balance=ok` or `balance=OFF`.
void log_ledger(const LedgerSnapshot& snapshot);

}  // namespace penstock
