#include "server/net/unpacker.h"

#include <utility>

namespace penstock {

void Unpacked::give_to(Decoder& decoder, Now now, BatchWriter& writer, Replies& replies) const {
  if (why == nullptr) return decoder.on_datagram(bytes, wire_bytes, now, writer, replies);
  writer.reject(reason, bytes, {why});
  writer.discard(reason, wire_bytes - bytes.size());
}

Unpacked Unpacker::unpack(std::string_view bytes, std::size_t wire_bytes, FrameCounts& counts) {
  const Coding coding = bytes.empty() ? Coding::kPlain  // Perl sends one to see whether it can
                                      : detect_coding(encoding_, bytes).value_or(Coding::kPlain);
  if (coding == Coding::kPlain) return {bytes, wire_bytes};
  if (wire_bytes > bytes.size())
    return {bytes, wire_bytes, "cut on receipt: raise max_frame_bytes"};
  const auto done = messages_.decompress(coding, bytes);
  charge();
  if (!done.whole()) return {bytes, wire_bytes, done.why, done.reason()};
  counts.compressed_bytes += bytes.size();
  counts.decompressed_bytes += done.bytes.size();
  return {done.bytes, done.bytes.size()};
}

void Unpacker::trim() noexcept {
  messages_.trim();
  charge();
}

void Unpacker::charge() noexcept {
  const std::size_t held = messages_.memory_bytes();
  if (held != charged_) budget_.change(std::exchange(charged_, held), held);
}

}  // namespace penstock
