#pragma once

#include <string>

#include "server/sinks/record_walk.h"

namespace penstock {

/// Of files of `encoding = "msgpack"`: one map after the other. Remembers how many values are still to come and passes over
/// texts, so it holds a few bytes however large a record is and however deep.
class MsgpackWalk final : public RecordWalk {
 public:
  bool take(std::string_view bytes) override;
  std::int64_t whole_bytes() const noexcept override { return whole_; }
  std::string_view ending() const noexcept override { return {}; }

 private:
  bool pass(std::string_view& bytes);

  std::string head_;           // of a value, where the bytes ended within it
  std::uint64_t values_ = 0;   // of the record that are still to come
  std::uint64_t payload_ = 0;  // bytes of the value in hand that are still to come
  std::int64_t at_ = 0;
  std::int64_t whole_ = 0;
};

}  // namespace penstock
