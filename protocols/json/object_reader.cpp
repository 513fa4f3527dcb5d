#include "protocols/json/object_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocols/json/number.h"
#include "protocols/json/unescape.h"

namespace penstock {
namespace {

constexpr std::size_t kKeptTextBytes = std::size_t{1} << 20;
constexpr std::size_t kKeptMembers = 1024;

void write_scalar(FieldName name, const FieldValue& value, FieldWriter& fields) {
  switch (value.type) {
    case FieldType::kBool: return fields.boolean(name, value.boolean);
    case FieldType::kInt64: return fields.integer(name, value.integer);
    case FieldType::kUint64: return fields.unsigned_integer(name, value.unsigned_integer);
    case FieldType::kDouble: return fields.real(name, value.real);
    case FieldType::kNumber: return fields.number(name, value.text);
    case FieldType::kString: return fields.string(name, value.text);
    default: return fields.null(name);
  }
}

}  // namespace

JsonObjectReader& JsonObjectReader::of_this_thread() {
  thread_local JsonObjectReader reader;
  return reader;
}

Problem JsonObjectReader::read(std::string_view object, const JsonLimits& limits) {
  text_ = object;
  limits_ = limits;
  at_ = fields_ = unescaped_used_ = 0;
  problem_ = {};
  members_.clear();
  if (members_.capacity() > kKeptMembers) members_.shrink_to_fit();
  if (const Problem problem = tokens_.find(object)) return problem;
  return read_members();
}

Problem JsonObjectReader::read_members() {
  if (tokens_.kind(0) != '{') return {"not a JSON object", tokens_.begin(0)};
  ++at_;
  for (bool first = true;; first = false) {
    const Item item = next_item(first, '}');
    if (item == Item::kEnd) break;
    if (item == Item::kProblem || !read_member(members_.emplace_back())) return problem_;
  }
  if (at_ != tokens_.count()) fail_here("invalid JSON: something follows the object");
  return problem_;
}

bool JsonObjectReader::read_member(JsonMember& member) {
  if (!read_name(member.name)) return false;
  const char kind = tokens_.kind(at_);
  if (kind != '{' && kind != '[') return read_scalar(member.value);
  member.value.type = kind == '{' ? FieldType::kMap : FieldType::kArray;
  member.token = at_;
  return skip_nested();
}

/// Passes the comma, or the bracket that ends it all.
JsonObjectReader::Item JsonObjectReader::next_item(bool first, char close) {
  const char kind = tokens_.kind(at_);
  if (kind == close) {
    ++at_;
    return Item::kEnd;
  }
  if (!first) {
    if (kind != ',') {
      fail_here("invalid JSON: no comma or end where one is due");
      return Item::kProblem;
    }
    ++at_;
  }
  return count_field() ? Item::kNext : Item::kProblem;
}

bool JsonObjectReader::count_field() {
  return ++fields_ <= limits_.max_fields || fail_here("more fields than an object may have");
}

bool JsonObjectReader::read_name(std::string_view& name) {
  if (tokens_.kind(at_) != '"') return fail_here("invalid JSON: no name where one is due");
  if (!read_string(name)) return false;
  if (tokens_.kind(at_) != ':') return fail_here("invalid JSON: no colon behind a name");
  ++at_;
  return true;
}

bool JsonObjectReader::read_string(std::string_view& text) {
  const std::string_view token = tokens_.token(at_);
  ++at_;
  text = token.substr(1, token.size() - 2);
  if (text.empty() || std::memchr(text.data(), '\\', text.size()) == nullptr) return true;
  return unescape(text, text);
}

/// All that is unescaped of one object has room, since escapes only shrink.
bool JsonObjectReader::unescape(std::string_view escaped, std::string_view& text) {
  if (unescaped_used_ == 0 &&
      (unescaped_capacity_ < text_.size() ||
       (unescaped_capacity_ > kKeptTextBytes && text_.size() <= kKeptTextBytes))) {
    unescaped_capacity_ = std::bit_ceil(text_.size());
    unescaped_.reset(new char[unescaped_capacity_]);
  }
  char* to = unescaped_.get() + unescaped_used_;
  std::size_t written = 0, at = 0;
  if (!unescape_json(escaped, to, written, at))
    return fail("invalid JSON: an escape in a string is malformed",
                static_cast<std::size_t>(escaped.data() - text_.data()) + at);
  text = {to, written};
  unescaped_used_ += written;
  return true;
}

bool JsonObjectReader::read_scalar(FieldValue& value) {
  switch (tokens_.kind(at_)) {
    case '"': value.type = FieldType::kString; return read_string(value.text);
    case 't': return read_word("true", FieldType::kBool, true, value);
    case 'f': return read_word("false", FieldType::kBool, false, value);
    case 'n': return read_word("null", FieldType::kNull, false, value);
    case '\0': return fail_here("invalid JSON: it ends in the middle");
    default: return read_number(value);
  }
}

bool JsonObjectReader::read_word(std::string_view word, FieldType type, bool truth,
                                 FieldValue& value) {
  if (tokens_.token(at_) != word)
    return fail_here("invalid JSON: a word other than true, false, null");
  ++at_;
  value.type = type;
  value.boolean = truth;
  return true;
}

bool JsonObjectReader::read_number(FieldValue& value) {
  const std::string_view token = tokens_.token(at_);
  if (token.front() != '-' && (token.front() < '0' || token.front() > '9'))
    return fail_here("invalid JSON: no value where one is due");
  if (std::size_t at = 0; !read_json_number(token, value, at))
    return fail("invalid JSON: a number is malformed", tokens_.begin(at_) + at);
  ++at_;
  return true;
}

/// To behind the bracket that closes it, whatever stands between.
bool JsonObjectReader::skip_nested() {
  const std::size_t begin = at_;
  std::size_t depth = 0;
  do {
    switch (tokens_.kind(at_)) {
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']': --depth; break;
      case '\0': return fail("invalid JSON: a bracket is not closed", tokens_.begin(begin));
      default: break;
    }
    ++at_;
  } while (depth != 0);
  return true;
}

Problem JsonObjectReader::write(FieldName name, const JsonMember& member, FieldWriter& fields) {
  if (member.value.type == FieldType::kMap || member.value.type == FieldType::kArray) {
    at_ = member.token;
    if (!write_nested(name, fields)) return problem_;
  } else {
    write_scalar(name, member.value, fields);
  }
  return {};
}

bool JsonObjectReader::write_nested(FieldName name, FieldWriter& fields) {
  levels_.clear();
  if (!open_level(name, fields)) return false;
  while (!levels_.empty()) {
    Level& level = levels_.back();
    const Item item = next_item(level.first, level.map ? '}' : ']');
    if (item == Item::kProblem) return false;
    level.first = false;
    if (item == Item::kNext) {
      if (!write_item(fields)) return false;
      continue;
    }
    fields.end(level.open);
    levels_.pop_back();
  }
  return true;
}

bool JsonObjectReader::write_item(FieldWriter& fields) {
  if (!levels_.back().map) return write_value(Field::kNone, fields);
  const std::size_t used = unescaped_used_;
  std::string_view name;
  const bool good = read_name(name) && write_value(name, fields);
  unescaped_used_ = used;  // the writer has its copy
  return good;
}

bool JsonObjectReader::write_value(FieldName name, FieldWriter& fields) {
  const char kind = tokens_.kind(at_);
  if (kind == '{' || kind == '[') return open_level(name, fields);
  const std::size_t used = unescaped_used_;
  FieldValue value;
  if (!read_scalar(value)) return false;
  write_scalar(name, value, fields);
  unescaped_used_ = used;
  return true;
}

bool JsonObjectReader::open_level(FieldName name, FieldWriter& fields) {
  if (levels_.size() + 2 > limits_.max_depth) return fail_here("nested too deeply");
  const bool map = tokens_.kind(at_) == '{';
  ++at_;
  levels_.push_back({map ? fields.begin_map(name) : fields.begin_array(name), map, true});
  return true;
}

bool JsonObjectReader::fail(const char* why, std::size_t at) noexcept {
  problem_ = {why, at};
  return false;
}

}  // namespace penstock
