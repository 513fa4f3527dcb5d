#include "server/net/parked_list.h"

namespace penstock {

void ParkedList::add(Parkable& one) {
  if (contains(one)) return;
  one.parked_at_ = parked_.size();
  parked_.push_back(&one);
}

void ParkedList::remove(Parkable& one) noexcept {
  if (!contains(one)) return;
  Parkable* last = parked_.back();
  parked_[one.parked_at_] = last;
  last->parked_at_ = one.parked_at_;
  parked_.pop_back();
  one.parked_at_ = Parkable::kNotParked;
}

void ParkedList::resume_all() {
  // From the back: what is removed or parks again while we go never moves one that has not been asked yet.
  for (std::size_t i = parked_.size(); i-- > 0;) {
    if (i >= parked_.size()) continue;
    Parkable& one = *parked_[i];
    if (one.try_resume()) remove(one);
  }
}

}  // namespace penstock
