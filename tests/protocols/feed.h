#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/decoder.h"

/// Drives a decoder the way a connection does, and checks at every step what must hold for any input: it aborts
/// (PENSTOCK_CHECK) where a decoder takes more than it was given, points outside its input, or loses count of a byte.
/// Used by unit tests and fuzz targets.
namespace penstock::test {

struct Record {
  std::string bytes;
  std::uint8_t flags = kFrameWhole;
  friend bool operator==(const Record&, const Record&) = default;
};

struct Refusal {
  Reason reason = Reason::kMalformed;
  std::string bytes;
  std::string why = {};  // as to_string(Problem) says it, where a protocol refused it
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// Where the input lies: in the open block, the kept tail copied in front of it; or in memory of its own.
enum class Place : std::uint8_t { kBlock, kOutside };

class Feed final : private RejectHandler, private Replies {
 public:
  explicit Feed(std::unique_ptr<Decoder> decoder, Place place = Place::kBlock);

  /// One read. False once the decoder has said why it gives up; everything from there on is discarded.
  bool read(std::string_view piece);
  /// The same in pieces: `cuts` are rising offsets into `bytes`.
  bool read_cut(std::string_view bytes, const std::vector<std::size_t>& cuts);
  bool read_bytewise(std::string_view bytes);
  /// One datagram; `wire_bytes` greater than its size where the kernel cut it.
  void datagram(std::string_view input, std::size_t wire_bytes);
  void datagram(std::string_view input) { datagram(input, input.size()); }
  void end(EndReason cause);
  void open();      ///< the peer has connected
  void deadline();  ///< it is `now`, and that is what the decoder waited for
  /// All that the decoder asked to be told of so far has become that; further records are of another batch.
  void complete(Outcome outcome = Outcome::kDelivered);
  bool waits_for_completion() const noexcept { return asked_; }

  const FrameCounts& counts() const noexcept { return counts_; }
  std::vector<Record> records() const;
  /// As events_of() shows them.
  std::vector<std::string> events() const;
  const std::vector<Refusal>& refusals() const noexcept { return refusals_; }
  /// Why, one a refusal, of all reasons.
  const std::vector<std::string>& reasons() const noexcept { return reasons_; }
  /// From whom and when, one a refusal.
  const std::vector<Receipt>& refused_of() const noexcept { return refused_of_; }
  const std::string& sent() const noexcept { return sent_; }
  bool hung_up() const noexcept { return hung_up_; }
  const std::string& tail() const noexcept { return tail_; }
  std::size_t longest_tail() const noexcept { return longest_tail_; }
  const char* why() const noexcept { return why_; }
  /// What would be logged, one a call at most.
  const std::vector<std::string>& noted() const noexcept { return noted_; }
  /// As whose fault, one each.
  const std::vector<Peer>& noted_of() const noexcept { return noted_of_; }
  /// All segments so far promise that they can be written as one piece.
  bool lines() const;

  Decoder& decoder() noexcept { return *decoder_; }
  /// Who sends, from the next call on.
  Peer peer;
  Now now{};

 private:
  void on_reject(Reason reason, std::string_view bytes, const Problem& problem,
                 const Segment& segment) override;
  void send(std::string_view bytes) override;
  void hang_up() override { hung_up_ = true; }

  BatchWriter open_writer(char* input_end);
  void after(const BatchWriter& writer);
  void make_room(std::size_t bytes);
  void collect();
  void check_balance();
  void check_segment();

  std::unique_ptr<Decoder> decoder_;
  Place place_;
  Batch batch_;
  BatchId batch_id_ = 1;
  bool asked_ = false;       // acknowledge_later() of batch_id_
  std::size_t fill_ = 0;     // of the open block
  std::size_t checked_ = 0;  // frames of it
  const char* next_line_ = nullptr;
  std::string tail_;
  std::size_t longest_tail_ = 0;
  std::uint64_t read_bytes_ = 0;
  FrameCounts counts_;
  std::vector<Record> records_;      // of blocks already full
  std::vector<std::string> events_;  // of those
  bool lines_ = true;
  std::vector<Refusal> refusals_;
  std::vector<std::string> reasons_;
  std::vector<Receipt> refused_of_;
  std::string sent_;
  bool hung_up_ = false;
  std::vector<std::string> noted_;
  std::vector<Peer> noted_of_;
  const char* why_ = nullptr;
  Reason reason_ = Reason::kMalformed;
};

/// Same counts, member by member.
bool same(const FrameCounts& a, const FrameCounts& b) noexcept;

}  // namespace penstock::test
