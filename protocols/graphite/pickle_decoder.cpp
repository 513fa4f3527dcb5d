#include <string>

#include "protocols/framed/decoder.h"
#include "protocols/framed/frame_handler.h"
#include "protocols/graphite/decoder.h"
#include "protocols/graphite/line.h"
#include "protocols/graphite/pickle.h"
#include "protocols/graphite/pickle_metrics.h"

namespace penstock {
namespace {

using graphite::PickleMetric;
using graphite::PickleValue;

constexpr std::uint8_t kLengthBytes = 4;

class PickleHandler final : public FrameHandler {
 public:
  explicit PickleHandler(const FramingOptions& framing) : framing_(framing) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    BatchWriter& writer = context.writer;
    if (const Problem problem = read(frame, flags))
      take_unparsed(framing_, frame, flags, form, problem, writer);
    else if (reader_.top().size == 0)
      skip(frame, writer);
    else
      take_items(frame.size(), writer);
    reader_.release();
  }

 private:
  Problem read(std::string_view frame, std::uint8_t flags) {
    if (flags != kFrameWhole) return {"the pickle is not whole"};
    if (const Problem problem = reader_.read(frame)) return problem;
    return graphite::check_items(reader_, frame.size());
  }

  static void skip(std::string_view frame, BatchWriter& writer) noexcept {
    writer.counts().framing_bytes += frame.size();
    writer.skip_empty();
  }

  /// The pickle's bytes are counted with its first item.
  void take_items(std::size_t wire_bytes, BatchWriter& writer) {
    reader_.for_each(reader_.top(), [&](const PickleValue& item) {
      line_.clear();
      if (const Problem problem = show(item))
        take_unparsed_anew(framing_, line_, wire_bytes, problem, writer);
      else
        add_parsed_anew(
            framing_, line_, wire_bytes, EventShape::kMetric, writer,
            [&](FieldWriter& fields) { return graphite::parse_graphite(line_, fields); });
      wire_bytes = 0;
      return true;
    });
  }

  Problem show(const PickleValue& item) {
    PickleMetric metric;
    if (graphite::as_metric(reader_, item, metric)) return graphite::append_line(metric, line_);
    graphite::append_item(reader_, item, line_);
    return {"no (path, (time, value))"};
  }

  const FramingOptions framing_;
  graphite::PickleReader reader_;
  std::string line_;
};

}  // namespace

std::unique_ptr<Decoder> make_graphite_pickle_decoder(const FramingOptions& framing) {
  FramingOptions counted = framing;
  counted.framing = Framing::kLengthPrefixed;
  counted.length = {.bytes = kLengthBytes, .order = std::endian::big};
  return make_framed_decoder(counted, std::make_unique<PickleHandler>(framing));
}

}  // namespace penstock
