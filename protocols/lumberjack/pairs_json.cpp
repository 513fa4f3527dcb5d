#include "protocols/lumberjack/pairs_json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "protocols/lumberjack/frame.h"

namespace penstock::lumberjack {

void render_pairs(std::string_view body, std::string& json) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  writer.StartObject();
  std::string_view key, value;
  for (Pairs pairs(body); pairs.next(key, value);) {
    writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  writer.EndObject();
  json.assign(out.GetString(), out.GetSize());
}

}  // namespace penstock::lumberjack
