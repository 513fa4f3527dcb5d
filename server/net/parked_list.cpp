#include "server/net/parked_list.h"

#include <utility>

namespace penstock {

void ParkedList::add(Parkable& one, std::chrono::milliseconds now, PauseReason reason) {
  if (one.is_parked()) return;
  one.parked_since_ = now;
  one.reason_ = reason;
  insert(one);
}

void ParkedList::insert(Parkable& one) {
  if (one.is_parked()) return;
  one.parked_at_ = parked_.size();
  one.parked_in_ = round_;
  parked_.push_back(&one);
  one.paused_.add(1);
}

void ParkedList::remove(Parkable& one) noexcept {
  if (!one.is_parked()) return;
  one.paused_.set(one.paused_.get() - 1);
  Parkable* last = parked_.back();
  parked_[one.parked_at_] = last;
  last->parked_at_ = one.parked_at_;
  parked_.pop_back();
  one.parked_at_ = Parkable::kNotParked;
}

void ParkedList::exchange(std::size_t a, std::size_t b) noexcept {
  std::swap(parked_[a], parked_[b]);
  parked_[a]->parked_at_ = a;
  parked_[b]->parked_at_ = b;
}

void ParkedList::resume_all() {
  // From the back: what is removed or added while we go never moves one that has not been asked yet. It may bring one
  // that has been asked to the front; that one is known by its round.
  ++round_;
  for (std::size_t i = parked_.size(); i-- > 0;) {
    if (i >= parked_.size()) continue;
    exchange(i, random_() % (i + 1));
    if (parked_[i]->parked_in_ == round_) continue;
    Parkable& one = *parked_[i];
    remove(one);
    if (!one.try_resume()) insert(one);
  }
}

}  // namespace penstock
