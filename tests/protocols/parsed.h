#pragma once

#include <string>
#include <string_view>

#include "protocols/core/field_buffer.h"
#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "tests/protocols/events.h"

namespace penstock::test {

/// What `Problem parse(frame, fields)` makes of a frame: the event as to_text() shows it, or the problem.
template <class Parse>
std::string parsed(Parse&& parse, std::string_view frame) {
  const std::string exact(frame);  // so that a sanitizer sees a look beyond it
  FieldBuffer buffer;
  FieldWriter fields(buffer, exact, EventShape::kMetric);
  if (const Problem problem = parse(std::string_view(exact), fields)) return to_string(problem);
  return to_text(Event(buffer.data() + fields.finish(), exact));
}

}  // namespace penstock::test
