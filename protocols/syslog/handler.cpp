#include "protocols/syslog/handler.h"

#include "protocols/compression/message.h"
#include "protocols/core/scanner.h"
#include "protocols/syslog/rfc3164.h"
#include "protocols/syslog/rfc5424.h"

namespace penstock {
namespace {

constexpr unsigned kMostCountDigits = 5;  // of what a datagram holds
constexpr unsigned kMostRatio = 1000;     // zlib itself reaches 1032
constexpr std::size_t kGraceBytes = std::size_t{64} << 10;

/// rsyslog writes `z` and a zlib stream without a preset dictionary, whose header is divisible by 31 (RFC 1950 section
/// 2.2). Of texts that passes `zx^` alone.
bool is_compressed(std::string_view frame) noexcept {
  if (frame.size() < 3 || frame[0] != 'z' || frame[1] != '\x78') return false;
  constexpr unsigned kPresetDictionary = 0x20;
  const unsigned flags = static_cast<unsigned char>(frame[2]);
  return (0x7800u + flags) % 31 == 0 && (flags & kPresetDictionary) == 0;
}

class SyslogHandler final : public FrameHandler {
 public:
  SyslogHandler(const FramingOptions& framing, const SyslogOptions& options)
      : framing_(framing),
        options_(options),
        decompressor_({.max_bytes = options.max_decompressed_bytes,
                       .max_ratio = kMostRatio,
                       .grace_bytes = kGraceBytes,
                       .over_bytes = "more than syslog.max_decompressed_bytes",
                       .over_ratio = "more than 1000 times its own bytes"}) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    const std::string_view end = context.end_of(frame);
    take_off_framing(frame, end.size(), context.writer);
    if (frame.empty()) return context.writer.skip_empty();
    if (options_.decompress && is_compressed(frame))
      return on_compressed(frame, end.size(), flags, context.writer);
    on_message(frame, flags, shape, context.writer);
  }

 private:
  /// What some senders put in front of messages all the same: Perl's Sys::Syslog ends them with LF and NUL, so that with
  /// framing = "newline" the NUL stands before the next one; util-linux's logger counts octets in datagrams too, and with
  /// them the LF at the end of its message, one of the `end_bytes` behind `frame`.
  static void take_off_framing(std::string_view& frame, std::size_t end_bytes,
                               BatchWriter& writer) noexcept {
    if (frame.starts_with('<')) return;
    Scanner in(frame);
    in.skip_all('\0');
    const std::size_t begin = in.at();
    unsigned count = 0;
    const bool counted = in.number(kMostCountDigits, count) && in.take(' ') && in.is('<') &&
                         (count == in.rest().size() || count == in.rest().size() + end_bytes);
    if (!counted) in.back_to(begin);
    writer.counts().framing_bytes += in.at();
    frame.remove_prefix(in.at());
  }

  /// The last byte of a zlib stream is a LF in one of 256, so that the `end_bytes` behind `frame` may be its own.
  void on_compressed(std::string_view frame, std::size_t end_bytes, std::uint8_t flags,
                     BatchWriter& writer) {
    auto done = decompressor_.decompress(Coding::kZlib, frame.substr(1));
    for (std::size_t more = 1; done.ends_early && more <= end_bytes; ++more) {
      const std::string_view longer(frame.data(), frame.size() + more);
      const auto again = decompressor_.decompress(Coding::kZlib, longer.substr(1));
      if (!again.whole()) continue;
      done = again;
      frame = longer;
      writer.counts().framing_bytes -= more;
    }
    if (!done.whole()) {
      const char* why =
          done.ends_early && has_byte_behind(frame) ? "a byte behind its end" : done.why;
      return writer.reject(done.reason(), frame, blamed(flags, {why}));
    }
    writer.counts().compressed_bytes += frame.size();
    writer.counts().decompressed_bytes += done.bytes.size();
    if (done.bytes.empty()) return writer.skip_empty();
    on_message(done.bytes, flags, Shape::kOpaque, writer);
  }

  /// One alone could be the first of a further stream.
  bool has_byte_behind(std::string_view frame) {
    return decompressor_.decompress(Coding::kZlib, frame.substr(1, frame.size() - 2)).whole();
  }

  void on_message(std::string_view frame, std::uint8_t flags, Shape shape, BatchWriter& writer) {
    add_parsed(framing_, frame, flags, shape, EventShape::kLog, writer, [&](FieldWriter& fields) {
      return blamed(flags, parse(frame, writer.segment().time_ns, fields));
    });
  }

  /// What is wrong with a message that was cut is most likely that.
  static Problem blamed(std::uint8_t flags, const Problem& problem) noexcept {
    if (!problem || (flags & kFrameTruncated) == 0) return problem;
    return kCutOff;
  }

  Problem parse(std::string_view frame, std::int64_t received_ns, FieldWriter& fields) const {
    const bool rfc5424 =
        options_.form == SyslogOptions::Form::k5424 ||
        (options_.form == SyslogOptions::Form::kAuto && syslog::looks_like_rfc5424(frame));
    return rfc5424 ? syslog::parse_rfc5424(frame, options_, received_ns, fields)
                   : syslog::parse_rfc3164(frame, options_, received_ns, fields);
  }

  const FramingOptions framing_;
  const SyslogOptions options_;
  MessageDecompressor decompressor_;
};

}  // namespace

std::unique_ptr<FrameHandler> make_syslog_handler(const FramingOptions& framing,
                                                  const SyslogOptions& options) {
  return std::make_unique<SyslogHandler>(framing, options);
}

}  // namespace penstock
