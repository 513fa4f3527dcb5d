#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/record_walk.h"

namespace penstock {

/// Encoded records on their way to one write(2): 256 KiB, larger only while a single record needs it.
class EncodeBuffer {
 public:
  static constexpr std::size_t kUsualBytes = std::size_t{256} << 10;

  std::size_t size() const noexcept { return size_; }
  const char* data() const noexcept { return memory_.get(); }
  std::size_t room() const noexcept { return capacity_ == 0 ? kUsualBytes : capacity_ - size_; }
  void clear() noexcept { size_ = 0; }
  /// Gives memory beyond the usual size back.
  void shrink() noexcept;

  /// Place for `bytes` more; false when the buffer is not empty and too full: write it out first.
  bool make_room(std::size_t bytes);
  char* end() noexcept { return memory_.get() + size_; }
  void advance_to(const char* end) noexcept {
    size_ = static_cast<std::size_t>(end - memory_.get());
  }

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// The form of records in a file: lines, or what marks its end itself. Deterministic, so that a place in the output can be
/// found again from the index alone.
struct Encoder {
  virtual ~Encoder() = default;

  /// True when a record without LF is written as it is with a LF behind it: line segments then go out as they lie.
  virtual bool keeps_lines() const noexcept = 0;

  /// False: frame `frame` has no form in this encoding, and encode() passes over it. See unencodable().
  virtual bool encodes(const Batch&, std::size_t) const { return true; }
  /// Of such a frame: what it is that has none, where that is not plain. A static text, or empty.
  virtual std::string_view why_not(const Batch&, std::size_t) const { return {}; }
  /// Whether encodes() can say no at all.
  virtual bool encodes_all() const noexcept { return true; }

  /// Whether a file that ends in `end`, its last kEndBytes or all of it, ends in a whole record. False where that does not
  /// show it: then walk() tells.
  virtual bool ends_whole(std::string_view end) const noexcept { return end.ends_with('\n'); }
  static constexpr std::size_t kEndBytes = 32;

  /// How the whole records of such a file are found. Null: each record ends in LF and holds no other, and torn_ending()
  /// behind a torn one is the end of it.
  virtual std::unique_ptr<RecordWalk> walk() const { return nullptr; }

  /// Without a walk(): what to write behind a torn record, so that readers find the next one and take the torn one for no
  /// whole one. A static text.
  virtual std::string_view torn_ending() const noexcept { return "\n"; }

  /// Bytes of frame `frame` of `batch` in encoded form, its LF included.
  virtual std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                                    std::size_t frame) const = 0;

  /// Appends the frames [first, last) of `batch`, all of `segment`, as far as `out` has room. Returns the first frame
  /// that was not appended; an empty buffer takes at least one, however large.
  virtual std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                             std::size_t last, EncodeBuffer& out) const = 0;
};

/// The frames of `batch` that have no form in this encoding, with what why_not() says of them.
std::vector<Undeliverable> unencodable(const Encoder& encoder, const Batch& batch);

/// The one list of encodings: what a sink's `encoding` names.
std::unique_ptr<Encoder> make_encoder(const config::Sink& sink);

}  // namespace penstock
