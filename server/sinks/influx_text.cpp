#include "server/sinks/influx_text.h"

#include <algorithm>

#include "server/sinks/text_encoder.h"

namespace penstock::influx {
namespace {

/// Bytes of `special` get a backslash in front.
void append_escaped(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

/// What stands for a control character in a name, where it would end the line or make it none.
std::string_view control_text(char c) noexcept {
  switch (c) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    default: return "_";
  }
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

void append_tag_value(std::string& out, const FieldValue& value) {
  if (value.type == FieldType::kString)
    append_name(out, writable(value.text), kKeySpecial);
  else if (value.type == FieldType::kBool)
    out += value.boolean ? "true" : "false";
  else
    append_numeric(out, value);
}

}  // namespace

std::string_view writable(std::string_view name) noexcept {
  while (name.ends_with('\\')) name.remove_suffix(1);
  return name;
}

void append_name(std::string& out, std::string_view name, std::string_view special) {
  std::string memory;
  name = as_utf8(name, memory);
  for (;;) {
    const auto control = std::find_if(name.begin(), name.end(), is_control);
    const auto plain = static_cast<std::size_t>(control - name.begin());
    append_escaped(out, name.substr(0, plain), special);
    if (control == name.end()) return;
    out += control_text(*control);
    name.remove_prefix(plain + 1);
  }
}

void append_text(std::string& out, std::string_view text) {
  std::string memory;
  out += '"';
  append_escaped(out, as_utf8(text, memory), "\"\\");
  out += '"';
}

void Tags::append(std::string_view name, const FieldValue& value) {
  name = writable(name);
  if (name.empty()) return;
  Tag tag{.begin = out_.size()};
  out_ += ',';
  append_name(out_, name, kKeySpecial);
  tag.key_end = out_.size();
  out_ += '=';
  append_tag_value(out_, value);
  tag.end = out_.size();
  if (tag.end == tag.key_end + 1)
    out_.resize(tag.begin);
  else
    tags_.push_back(tag);
}

void Tags::finish() {
  if (!find_overwritten()) return;
  std::string kept;
  for (const Tag& tag : tags_) {
    if (!tag.overwritten) kept.append(out_, tag.begin, tag.end - tag.begin);
  }
  out_.replace(begin_, std::string::npos, kept);
}

// By what is written, which may be the same of two names. Whether there are any; not where keys rise, as they often do.
bool Tags::find_overwritten() {
  const auto falls = [this](const Tag& a, const Tag& b) { return key(a) >= key(b); };
  if (std::adjacent_find(tags_.begin(), tags_.end(), falls) == tags_.end()) return false;
  std::vector<Tag*> by_key;
  for (Tag& tag : tags_) by_key.push_back(&tag);
  std::stable_sort(by_key.begin(), by_key.end(),
                   [this](const Tag* a, const Tag* b) { return key(*a) < key(*b); });
  bool any = false;
  for (std::size_t at = 1; at < by_key.size(); ++at) {
    by_key[at - 1]->overwritten = key(*by_key[at - 1]) == key(*by_key[at]);
    any = any || by_key[at - 1]->overwritten;
  }
  return any;
}

}  // namespace penstock::influx
