#include "server/sinks/encoder.h"

#include <algorithm>

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

}  // namespace penstock
