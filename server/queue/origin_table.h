#pragma once

#include <deque>
#include <mutex>
#include <string_view>

#include "protocols/core/batch.h"

namespace penstock {

/// The origins of records that come back from a disk: each (listener, url) once, at an address that stays for the life
/// of the table. Any thread.
class OriginTable {
 public:
  const Origin* find_or_add(std::string_view listener, std::string_view url);

 private:
  std::mutex mutex_;
  std::deque<Origin> origins_;  // deque: addresses stay
};

}  // namespace penstock
