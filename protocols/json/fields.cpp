#include "protocols/json/fields.h"

namespace penstock {

Problem json_object_to_fields(std::string_view object, const JsonLimits& limits,
                              FieldWriter& fields) {
  JsonObjectReader& reader = JsonObjectReader::of_this_thread();
  if (const Problem problem = reader.read(object, limits)) return problem;
  for (const JsonMember& member : reader.members()) {
    if (const Problem problem = reader.write(member.name, member, fields)) return problem;
  }
  return {};
}

}  // namespace penstock
