#include "protocols/json/decoder.h"

#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/json/log_record.h"

namespace penstock {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Problem parse(std::string_view frame, const JsonOptions& options, FieldWriter& fields) {
  const std::size_t mark = frame.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  Problem problem = json_log_record(frame.substr(mark), options, fields);
  if (problem && problem.at != Problem::kNowhere) problem.at += mark;
  return problem;
}

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const FramingOptions& framing,
                                           const JsonOptions& options) {
  return make_framed_decoder(
      framing, make_event_per_frame(framing, EventShape::kLog,
                                    [options](std::string_view frame, FieldWriter& fields) {
                                      return parse(frame, options, fields);
                                    }));
}

}  // namespace penstock
