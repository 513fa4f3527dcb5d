#pragma once

#include <string_view>

#include "protocols/core/batch_writer.h"

namespace penstock::test {

/// For a BatchWriter whose rejects are of no interest.
struct NoRejects final : RejectHandler {
  void on_reject(Reason, std::string_view, const Problem&, const Segment&) override {}
};

}  // namespace penstock::test
