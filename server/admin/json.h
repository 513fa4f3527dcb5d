#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>
#include <string_view>

#include "protocols/core/utf8.h"

namespace penstock::admin {

/// RapidJSON's Writer with the calls that the documents here are made of. Texts may be any bytes.
class JsonDocument {
 public:
  /// `expected_bytes` saves growing to it.
  explicit JsonDocument(std::size_t expected_bytes = 256)
      : buffer_(nullptr, expected_bytes), writer_(buffer_) {}

  void open_object() { writer_.StartObject(); }
  void open_object(std::string_view name) { key(name), writer_.StartObject(); }
  void close_object() { writer_.EndObject(); }
  void open_list(std::string_view name) { key(name), writer_.StartArray(); }
  void close_list() { writer_.EndArray(); }

  void add(std::string_view name, std::string_view text) { key(name), string(text); }
  void add(std::string_view name, const char* text) { add(name, std::string_view(text)); }
  void add(std::string_view name, bool flag) { key(name), writer_.Bool(flag); }
  void add(std::string_view name, double number) { key(name), writer_.Double(number); }
  void add(std::string_view name, std::uint64_t number) { key(name), writer_.Uint64(number); }
  void add(std::string_view name, int number) { key(name), writer_.Int(number); }
  void add_null(std::string_view name) { key(name), writer_.Null(); }
  /// An item of a list.
  void item(std::string_view text) { string(text); }
  void item(double number) { writer_.Double(number); }
  void item(std::uint64_t number) { writer_.Uint64(number); }
  void item_null() { writer_.Null(); }

  /// What was written; the document is at its end.
  std::string_view text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  void key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  void string(std::string_view text) {
    if (!is_utf8(text)) return string(with_replacements(text));
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

}  // namespace penstock::admin
