#include "protocols/lumberjack/pairs_json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "protocols/core/utf8.h"
#include "protocols/lumberjack/frame.h"

namespace penstock::lumberjack {
namespace {

std::string valid_utf8(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t valid = valid_utf8_prefix(text);
    out += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) return out;
    out += kReplacementCharacter;
    text.remove_prefix(invalid_utf8_length(text));
  }
}

}  // namespace

void render_pairs(std::string_view body, std::string& json) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  writer.StartObject();
  std::string_view key, value;
  for (Pairs pairs(body); pairs.next(key, value);) {
    const std::string name = valid_utf8(key), text = valid_utf8(value);
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  writer.EndObject();
  json.assign(out.GetString(), out.GetSize());
}

}  // namespace penstock::lumberjack
