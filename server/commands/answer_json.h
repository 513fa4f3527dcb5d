#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>

#include "protocols/core/result.h"

namespace penstock {

inline constexpr const char* kNotUnderstood = "the answer of the server is not understood";

/// A document of the admin address: an object, or an error that says it is none.
inline Result<rapidjson::Document> parse_answer(std::string_view json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return fail(0, kNotUnderstood);
  return document;
}

/// The member of an object, or null where there is none.
inline const rapidjson::Value& member(const rapidjson::Value& object, const char* name) {
  static const rapidjson::Value kNull;
  if (!object.IsObject()) return kNull;
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() ? found->value : kNull;
}

/// A text as it came; empty where the member is none. Peers wrote some of them: not for a terminal as they are.
inline std::string text_member(const rapidjson::Value& object, const char* name) {
  const rapidjson::Value& value = member(object, name);
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
}

}  // namespace penstock
