#include "protocols/collectd/decoder.h"

#include <algorithm>

#include "protocols/collectd/datagram.h"
#include "protocols/collectd/report.h"
#include "protocols/framed/frame_handler.h"

namespace penstock {
namespace {

class CollectdDecoder final : public Decoder {
 public:
  CollectdDecoder(const FramingOptions& framing, const CollectdOptions& options)
      : framing_(framing), options_(options) {}

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies&) override {
    writer.discard(Reason::kMalformed, input.size());
    return {input.size(), "collectd is spoken over datagrams"};
  }

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies&) override {
    if (wire_bytes > input.size()) {
      writer.reject(Reason::kOversize, input, {"cut on receipt: raise max_frame_bytes"});
      return writer.discard(Reason::kOversize, wire_bytes - input.size());
    }
    if (input.empty()) return writer.skip_empty();
    const collectd::ParseResult result = collectd::parse_datagram(input, options_, contents_);
    if (result.unauthenticated) return writer.reject(Reason::kRefused, input, result.problem);
    if (result.problem)
      return take_unparsed(framing_, input, kFrameWhole, Shape::kOpaque, result.problem, writer);
    add_reports(input.size(), writer);
  }

  void on_end(EndReason, std::string_view tail, BatchWriter& writer) override {
    writer.discard(Reason::kMalformed, tail.size());
  }

 private:
  void add_reports(std::size_t bytes, BatchWriter& writer) {
    if (contents_.reports.empty()) writer.skip_empty();
    for (const collectd::Report& report : contents_.reports) {
      text_.clear();
      collectd::render(report, contents_, text_);
      const auto shape = report.is_notification ? EventShape::kLog : EventShape::kMetric;
      FieldWriter fields = writer.begin_event(text_, shape);
      collectd::write_event(report, contents_, options_.tables.get(), fields);
      writer.add_event(fields, kFrameWhole, Shape::kOpaque, report.wire_bytes);
      bytes -= report.wire_bytes;
    }
    writer.counts().framing_bytes += bytes;  // parts behind the last report
  }

  const FramingOptions framing_;
  const CollectdOptions options_;
  collectd::Contents contents_;
  std::string text_;  // the frame of one report
};

}  // namespace

std::unique_ptr<Decoder> make_collectd_decoder(const FramingOptions& framing,
                                               const CollectdOptions& options) {
  return std::make_unique<CollectdDecoder>(framing, options);
}

}  // namespace penstock
