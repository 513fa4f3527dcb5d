#include "server/sinks/encoder.h"

#include <algorithm>

#include "protocols/core/check.h"
#include "server/sinks/json_encoder.h"
#include "server/sinks/raw_encoder.h"

namespace penstock {

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

std::unique_ptr<Encoder> make_encoder(const config::Sink& sink) {
  switch (sink.encoding) {
    case config::Encoding::kRaw: return std::make_unique<RawEncoder>(sink.newlines);
    case config::Encoding::kJson: return std::make_unique<JsonEncoder>();
  }
  PENSTOCK_CHECK(false);
  return nullptr;
}

}  // namespace penstock
