#include "server/sinks/encoder.h"

#include <algorithm>

#include "protocols/core/check.h"
#include "server/sinks/graphite_encoder.h"
#include "server/sinks/influx_encoder.h"
#include "server/sinks/json_encoder.h"
#include "server/sinks/msgpack_encoder.h"
#include "server/sinks/raw_encoder.h"
#include "server/sinks/syslog_encoder.h"

namespace penstock {

namespace {

bool goes_on(const Undeliverable& range, std::size_t frame, std::string_view why) noexcept {
  return range.frames.first + range.frames.count == frame && range.answer == why;
}

}  // namespace

void EncodeBuffer::shrink() noexcept {
  if (capacity_ <= kUsualBytes) return;
  memory_.reset();
  capacity_ = size_ = 0;
}

bool EncodeBuffer::make_room(std::size_t bytes) {
  if (bytes <= capacity_ - size_) return true;
  if (size_ != 0) return false;
  capacity_ = std::max(kUsualBytes, bytes);
  memory_.reset(new char[capacity_]);  // not zeroed: first touch costs
  return true;
}

std::vector<Undeliverable> unencodable(const Encoder& encoder, const Batch& batch) {
  std::vector<Undeliverable> ranges;
  if (encoder.encodes_all()) return ranges;
  for (std::size_t at = 0; at < batch.frames.size(); ++at) {
    if (encoder.encodes(batch, at)) continue;
    const std::string_view why = encoder.why_not(batch, at);
    if (!ranges.empty() && goes_on(ranges.back(), at, why))
      ++ranges.back().frames.count;
    else
      ranges.push_back({{at, 1}, RouteLoss::kUnencodable, std::string(why)});
  }
  return ranges;
}

std::unique_ptr<Encoder> make_encoder(const config::Sink& sink) {
  switch (sink.encoding) {
    case config::Encoding::kRaw: return std::make_unique<RawEncoder>(sink.newlines);
    case config::Encoding::kJson: return std::make_unique<JsonEncoder>();
    case config::Encoding::kMsgpack: return std::make_unique<MsgpackEncoder>();
    case config::Encoding::kInflux: return std::make_unique<InfluxEncoder>();
    case config::Encoding::kGraphite: return std::make_unique<GraphiteEncoder>();
    case config::Encoding::kSyslog: return std::make_unique<SyslogEncoder>();
  }
  PENSTOCK_CHECK(false);
  return nullptr;
}

}  // namespace penstock
