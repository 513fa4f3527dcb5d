#include "protocols/framed/decoder.h"

#include <utility>

#include "protocols/core/check.h"
#include "protocols/framed/framed_decoder.h"
#include "protocols/framing/delimiter.h"
#include "protocols/framing/fixed.h"
#include "protocols/framing/length_prefixed.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/none.h"
#include "protocols/framing/octet_counted.h"
#include "protocols/framing/syslog_auto.h"
#include "protocols/framing/varint.h"
#include "protocols/json/framer.h"

namespace penstock {
namespace {

/// Raw: a frame is a record.
struct RecordHandler final : FrameHandler {
  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    context.writer.add(frame, flags, shape);
  }
};

/// Any other protocol's.
class GivenHandler final : public FrameHandler {
 public:
  explicit GivenHandler(std::unique_ptr<FrameHandler> handler) noexcept
      : handler_(std::move(handler)) {}
  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    handler_->on_frame(frame, flags, shape, context);
  }

 private:
  std::unique_ptr<FrameHandler> handler_;
};

template <class Handler, class Framer>
std::unique_ptr<Decoder> make(const FramingOptions& options, Handler handler, Framer framer) {
  return std::make_unique<FramedDecoder<Framer, Handler>>(options, framer, std::move(handler));
}

template <class Handler>
std::unique_ptr<Decoder> make_for(const FramingOptions& options, Handler handler) {
  const std::size_t max = options.max_frame_bytes;
  PENSTOCK_CHECK(max >= 1 && max <= kMaxFrameBytes);
  const auto with = [&](auto framer) { return make(options, std::move(handler), framer); };
  switch (options.framing) {
    case Framing::kNewline: break;
    case Framing::kNul: return with(NewlineFramer(max, '\0'));
    case Framing::kOctetCounted: return with(OctetCountedFramer(max));
    case Framing::kSyslogAuto: return with(SyslogAutoFramer(max));
    case Framing::kDelimiter: return with(DelimiterFramer(max, options.delimiter));
    case Framing::kLengthPrefixed: return with(LengthPrefixedFramer(max, options.length));
    case Framing::kVarint: return with(VarintFramer(max));
    case Framing::kFixed:
      PENSTOCK_CHECK(options.frame_bytes >= 1 && options.frame_bytes <= max);
      return with(FixedFramer(options.frame_bytes));
    case Framing::kJson: return with(ValidJsonFramer(max));
    case Framing::kNone: return with(NoneFramer(max));
  }
  return with(NewlineFramer(max));
}

}  // namespace

std::unique_ptr<Decoder> make_framed_decoder(const FramingOptions& options,
                                             std::unique_ptr<FrameHandler> handler) {
  return make_for(options, GivenHandler(std::move(handler)));
}

std::unique_ptr<Decoder> make_unhandled_decoder(const FramingOptions& options) {
  return make_for(options, RecordHandler());
}

}  // namespace penstock
