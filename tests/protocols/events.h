#pragma once

#include <string>
#include <vector>

#include "protocols/core/batch.h"

namespace penstock::test {

/// An event's fields as one JSON object, for comparing: numbers of type double have a `.`, texts are escaped as JSON where
/// they need it, times are nanoseconds behind an `@`, bytes are hexadecimal behind a `#`.
///
///     {"host":"web1","severity":3,"timestamp":@1500000000000000000}
std::string to_text(const Event& event);

/// Of every frame of the batch: its event, or its bytes where it has none.
std::vector<std::string> events_of(const Batch& batch);

}  // namespace penstock::test
