#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/compression/message.h"
#include "protocols/core/decoder.h"
#include "server/net/decompress_budget.h"
#include "server/net/listener_options.h"

namespace penstock {

/// What one datagram or packet holds once its content encoding is taken off.
struct Unpacked {
  std::string_view bytes =
      {};  ///< for the decoder; or for the quarantine, as received, where `why` is set
  std::size_t wire_bytes =
      0;                      ///< of `bytes`: greater than their size where the kernel has cut them
  const char* why = nullptr;  ///< it could not be decompressed
  Reason reason = Reason::kUndecodable;

  /// Hands it to the decoder, or to the quarantine. `writer` has room for `bytes` and one more.
  void give_to(Decoder& decoder, Now now, BatchWriter& writer, Replies& replies) const;
};

/// Takes the content encoding off datagrams and packets: one a listener and loop, own loop only. Each stands for
/// itself, and one that is bad costs nobody else anything. Its memory is charged to the budget, and goes back with
/// trim() once a second.
class Unpacker {
 public:
  Unpacker(const ListenerOptions& options, DecompressBudget& budget) noexcept
      : encoding_(options.content_encoding), messages_(options.datagram_limits), budget_(budget) {}
  ~Unpacker() { budget_.change(charged_, 0); }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// False: no encoding, datagrams are what they are.
  bool active() const noexcept { return encoding_ != ContentEncoding::kNone; }
  /// `bytes` as received, of `wire_bytes` on the wire. The result's view lives until the next call, or as long as `bytes`.
  Unpacked unpack(std::string_view bytes, std::size_t wire_bytes, FrameCounts& counts);
  void trim() noexcept;

 private:
  void charge() noexcept;

  const ContentEncoding encoding_;
  MessageDecompressor messages_;
  DecompressBudget& budget_;
  std::size_t charged_ = 0;
};

}  // namespace penstock
