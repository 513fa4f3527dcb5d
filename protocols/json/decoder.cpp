#include "protocols/json/decoder.h"

#include "protocols/framed/decoder.h"
#include "protocols/json/log_record.h"

namespace penstock {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

class JsonHandler final : public FrameHandler {
 public:
  JsonHandler(const FramingOptions& framing, const JsonOptions& options)
      : framing_(framing), options_(options) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    add_parsed(framing_, frame, flags, shape, EventShape::kLog, context.writer,
               [&](FieldWriter& fields) { return write(frame, fields); });
  }

 private:
  Problem write(std::string_view frame, FieldWriter& fields) const {
    const std::size_t mark = frame.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    Problem problem = json_log_record(frame.substr(mark), options_, fields);
    if (problem && problem.at != Problem::kNowhere) problem.at += mark;
    return problem;
  }

  const FramingOptions framing_;
  const JsonOptions options_;
};

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const FramingOptions& framing,
                                           const JsonOptions& options) {
  return make_framed_decoder(framing, std::make_unique<JsonHandler>(framing, options));
}

}  // namespace penstock
