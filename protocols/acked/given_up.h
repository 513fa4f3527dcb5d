#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/batch_writer.h"
#include "protocols/core/decoder.h"
#include "protocols/framed/policy.h"

namespace penstock {

/// Why a stream of a protocol with acknowledgements takes no more input, once it does not: it is broken, or its goodbye
/// is said. What comes then is discarded and never acknowledged, so the sender keeps it.
class GivenUp {
 public:
  explicit operator bool() const noexcept { return given_up_; }

  /// The stream cannot be read from the front of `rest` on. The first `most_kept` bytes of it are rejected, once, the others
  /// discarded. All of them count as taken.
  void because(Reason reason, Problem problem, std::string_view rest, std::size_t most_kept,
               BatchWriter& writer) {
    given_up_ = true;
    reason_ = reason;
    why_ = problem.why;
    const std::string_view head = rest.substr(0, most_kept);
    writer.reject(reason, head, problem);
    writer.discard(reason, rest.size() - head.size());
  }

  /// The goodbye is said: nothing that comes now could be acknowledged any more.
  void after_goodbye() noexcept {
    if (given_up_) return;
    given_up_ = true;
    reason_ = Reason::kTailDeadline;
  }

  /// All of `input`, as an answer of Decoder::on_bytes.
  Consumed discard(std::string_view input, BatchWriter& writer) const noexcept {
    writer.discard(reason_, input.size());
    return consumed(input.size());
  }
  Consumed consumed(std::size_t bytes) const noexcept { return {bytes, why_, reason_}; }

  /// The stream's end, as Decoder::on_end tells it. An unfinished message is not acknowledged: its sender has it still, and
  /// sends it again.
  void end(EndReason cause, std::string_view tail, BatchWriter& writer) const noexcept {
    if (given_up_)
      writer.discard(reason_, tail.size());
    else if (!tail.empty())
      writer.reject_unseen(tail_reason(cause), tail.size());
  }

 private:
  bool given_up_ = false;
  Reason reason_ = Reason::kMalformed;
  const char* why_ = nullptr;
};

/// A datagram where there should be none.
inline void refuse_datagram(std::string_view input, std::size_t wire_bytes, const char* why,
                            BatchWriter& writer) {
  writer.reject(Reason::kMalformed, input, {why});
  writer.discard(Reason::kMalformed, wire_bytes - input.size());
}

}  // namespace penstock
