#include "protocols/gelf/decoder.h"

#include "protocols/compression/message.h"
#include "protocols/core/byte_order_mark.h"
#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/gelf/chunk.h"
#include "protocols/gelf/message.h"

namespace penstock {
namespace {

constexpr std::size_t kGraceBytes = std::size_t{64} << 10;
/// Of a decompressor between messages: each connection has one.
constexpr std::size_t kKeptBytes = std::size_t{256} << 10;

/// One message as JSON.
std::unique_ptr<FrameHandler> make_handler(const FramingOptions& framing,
                                           const JsonLimits& limits) {
  return make_event_per_frame(framing, EventShape::kLog,
                              [limits](std::string_view frame, FieldWriter& fields) {
                                return parse_behind_mark(frame, [&](std::string_view object) {
                                  return gelf::parse_message(object, limits, fields);
                                });
                              });
}

Coding coding_of(std::string_view message) noexcept {
  if (message.size() < 2) return Coding::kPlain;
  const auto first = static_cast<unsigned char>(message[0]);
  const auto second = static_cast<unsigned char>(message[1]);
  if (first == 0x1f && second == 0x8b) return Coding::kGzip;
  // RFC 1950 section 2.2: deflate, and a header that is divisible by 31. No JSON begins so.
  if ((first & 0x0f) == 8 && first >> 4 <= 7 && (first * 256u + second) % 31 == 0)
    return Coding::kZlib;
  return Coding::kPlain;
}

class GelfDecoder final : public Decoder {
 public:
  GelfDecoder(const FramingOptions& framing, const GelfOptions& options)
      : frames_(make_framed_decoder(framing, make_handler(framing, options.limits))),
        handler_(make_handler(framing, options.limits)),
        decompressor_({.max_bytes = options.max_message_bytes,
                       .max_ratio = options.max_decompressed_ratio,
                       .grace_bytes = kGraceBytes,
                       .over_bytes = "more than gelf.max_message_bytes",
                       .over_ratio = "more than gelf.max_decompressed_ratio"}),
        chunks_(
            {.max_message_bytes = options.max_message_bytes, .max_sets = options.max_chunk_sets},
            options.chunk_memory ? options.chunk_memory
                                 : gelf::make_chunk_memory(options.max_chunk_bytes)) {}

  Consumed on_bytes(std::string_view input, Now now, BatchWriter& writer,
                    Replies& replies) override {
    return frames_->on_bytes(input, now, writer, replies);
  }

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now now, BatchWriter& writer,
                   Replies& replies) override {
    const bool chunk = input.starts_with(gelf::kChunkMagic);
    if (!chunk && coding_of(input) == Coding::kPlain)
      return frames_->on_datagram(input, wire_bytes, now, writer, replies);
    if (wire_bytes > input.size()) {
      writer.reject(Reason::kOversize, input, {"cut on receipt: raise max_frame_bytes"});
      return writer.discard(Reason::kOversize, wire_bytes - input.size());
    }
    if (!chunk) return on_message(input, input, writer);
    on_chunk(input, now, writer);
  }

  void on_end(EndReason cause, std::string_view tail, BatchWriter& writer) override {
    chunks_.give_up("a GELF message whose chunks had not all come when the listener ended", writer);
    frames_->on_end(cause, tail, writer);
  }

  std::optional<std::chrono::milliseconds> deadline() const override { return chunks_.deadline(); }
  void on_deadline(Now now, BatchWriter& writer, Replies&) override { chunks_.expire(now, writer); }

 private:
  void on_chunk(std::string_view datagram, Now now, BatchWriter& writer) {
    gelf::Chunk chunk;
    if (const Problem problem = gelf::parse_chunk(datagram, chunk))
      return writer.reject(Reason::kMalformed, datagram, problem);
    const auto whole = chunks_.add(datagram, chunk, now, writer);
    if (whole) on_message(*whole, chunk.count == 1 ? datagram : *whole, writer);
  }

  /// `as_came`: the message, or the one chunk that it came in, which is what a quarantine needs.
  void on_message(std::string_view message, std::string_view as_came, BatchWriter& writer) {
    const Coding coding = coding_of(message);
    if (coding == Coding::kPlain) {
      writer.counts().framing_bytes += as_came.size() - message.size();
      return on_json(message, writer);
    }
    on_compressed(coding, message, as_came, writer);
    if (decompressor_.memory_bytes() > kKeptBytes) decompressor_.trim();
  }

  void on_compressed(Coding coding, std::string_view message, std::string_view as_came,
                     BatchWriter& writer) {
    const auto done = decompressor_.decompress(coding, message);
    if (!done.whole()) return writer.reject(done.reason(), as_came, Problem{done.why});
    writer.counts().framing_bytes += as_came.size() - message.size();
    writer.counts().compressed_bytes += message.size();
    writer.counts().decompressed_bytes += done.bytes.size();
    on_json(done.bytes, writer);
  }

  void on_json(std::string_view json, BatchWriter& writer) {
    if (json.ends_with('\0')) {  // as on a stream
      json.remove_suffix(1);
      ++writer.counts().framing_bytes;
    }
    if (json.empty()) return writer.skip_empty();
    FrameContext context{writer};
    handler_->on_frame(json, kFrameWhole, Shape::kOpaque, context);
  }

  const std::unique_ptr<Decoder> frames_;
  const std::unique_ptr<FrameHandler> handler_;
  MessageDecompressor decompressor_;
  gelf::ChunkTable chunks_;
};

}  // namespace

std::unique_ptr<Decoder> make_gelf_decoder(const FramingOptions& framing,
                                           const GelfOptions& options) {
  return std::make_unique<GelfDecoder>(framing, options);
}

}  // namespace penstock
