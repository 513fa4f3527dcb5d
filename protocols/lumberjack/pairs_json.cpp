#include "protocols/lumberjack/pairs_json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "protocols/core/utf8.h"
#include "protocols/lumberjack/frame.h"

namespace penstock::lumberjack {
void render_pairs(std::string_view body, std::string& json) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  writer.StartObject();
  std::string_view key, value;
  for (Pairs pairs(body); pairs.next(key, value);) {
    const std::string name = with_replacements(key), text = with_replacements(value);
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  writer.EndObject();
  json.assign(out.GetString(), out.GetSize());
}

}  // namespace penstock::lumberjack
