#include <string>

#include "protocols/core/timestamp.h"
#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/graphite/decoder.h"
#include "protocols/graphite/opentsdb.h"
#include "protocols/graphite/words.h"

namespace penstock {
namespace {

class OpentsdbHandler final : public FrameHandler {
 public:
  explicit OpentsdbHandler(const FramingOptions& framing)
      : puts_(framing, EventShape::kMetric, &graphite::parse_put) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    ++lines_;
    if (flags != kFrameWhole || !answer(frame, context))
      return puts_.on_frame(frame, flags, form, context);
    context.writer.counts().framing_bytes += frame.size();
    context.writer.skip_empty();
  }

 private:
  /// False where the line is none of the commands that a server answers.
  bool answer(std::string_view line, FrameContext& context) const {
    Scanner in(line);
    const std::string_view command = graphite::take_word(in);
    if (command == "put" || context.replies == nullptr) return false;
    std::string text;
    if (command == "version")
      text = "penstock, takes the put lines of net.opentsdb\n";
    else if (command == "help")
      text = "available commands: put stats version help exit\n";
    else if (command == "exit")
      text = "exit\n";
    else if (command == "stats")
      text = "tsd.rpc.received " +
             std::to_string(context.writer.segment().time_ns / kNanosPerSecond) + ' ' +
             std::to_string(lines_) + " type=telnet\n";
    else
      return false;
    context.replies->send(text);
    if (command == "exit") context.replies->hang_up();
    return true;
  }

  EventPerFrame<decltype(&graphite::parse_put)> puts_;
  std::uint64_t lines_ = 0;  // of this connection
};

}  // namespace

std::unique_ptr<Decoder> make_opentsdb_decoder(const FramingOptions& framing) {
  return make_framed_decoder(framing, std::make_unique<OpentsdbHandler>(framing));
}

}  // namespace penstock
