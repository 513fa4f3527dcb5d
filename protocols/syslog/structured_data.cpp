#include "protocols/syslog/structured_data.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocols/syslog/rfc5424.h"

namespace penstock::syslog {
namespace {

struct Param {
  std::string_view name;
  std::string_view value;  // as it stands between its quotes
  bool escaped = false;
};

/// So many of one element are looked at together; further ones stand for themselves, even where a name comes again.
constexpr std::size_t kGrouped = 32;

std::string unescaped(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t at = 0; at < value.size(); ++at) {
    const bool escape = value[at] == '\\' && at + 1 < value.size() &&
                        (value[at + 1] == '"' || value[at + 1] == '\\' || value[at + 1] == ']');
    if (escape) ++at;
    out += value[at];
  }
  return out;
}

void write_value(FieldName name, const Param& param, FieldWriter& fields) {
  if (param.escaped)
    fields.string(name, unescaped(param.value));
  else
    fields.string(name, param.value);
}

/// Writes the parameters of one element, those of one name together.
class Element {
 public:
  void add(const Param& param, FieldWriter& fields) {
    if (count_ == kGrouped) flush(fields);
    params_[count_++] = param;
  }

  void flush(FieldWriter& fields) {
    for (std::size_t at = 0; at < count_; ++at) {
      if (!is_repetition(at)) write(at, fields);
    }
    count_ = 0;
  }

 private:
  bool same(std::size_t a, std::size_t b) const noexcept {
    return params_[a].name == params_[b].name;
  }
  bool is_repetition(std::size_t at) const noexcept {
    for (std::size_t before = 0; before < at; ++before) {
      if (same(before, at)) return true;
    }
    return false;
  }

  void write(std::size_t at, FieldWriter& fields) const {
    bool again = false;
    for (std::size_t next = at + 1; next < count_ && !again; ++next) again = same(at, next);
    if (!again) return write_value(params_[at].name, params_[at], fields);
    const auto array = fields.begin_array(params_[at].name);
    for (std::size_t next = at; next < count_; ++next) {
      if (same(at, next)) write_value(Field::kNone, params_[next], fields);
    }
    fields.end(array);
  }

  std::array<Param, kGrouped> params_;
  std::size_t count_ = 0;
};

constexpr auto kEndsName = [] {
  std::array<bool, 256> ends{};
  for (const unsigned char c : {' ', '=', ']', '"'}) ends[c] = true;
  return ends;
}();

/// SD-NAME: any bytes but those that end it.
std::string_view scan_name(Scanner& in) noexcept {
  const std::string_view rest = in.rest();
  const auto* end = std::find_if(rest.begin(), rest.end(),
                                 [](char c) { return kEndsName[static_cast<unsigned char>(c)]; });
  const auto name = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  in.skip(name.size());
  return name;
}

/// The value of a parameter behind its opening quote, its closing one taken.
Problem scan_value(Scanner& in, Param& param) noexcept {
  const std::string_view rest = in.rest();
  std::size_t at = 0;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] != '\\') continue;
    param.escaped = true;
    if (at + 1 < rest.size() && rest[at + 1] != '\0') ++at;
  }
  in.skip(at);
  if (at == rest.size()) return in.problem("a value of the structured data has no closing quote");
  param.value = rest.substr(0, at);
  in.skip(1);
  return {};
}

Problem scan_param(Scanner& in, Param& param) noexcept {
  param.name = scan_name(in);
  if (param.name.empty()) return in.problem("a parameter of the structured data has no name");
  if (!in.take('=')) return in.problem("no = behind the name of a parameter");
  if (!in.take('"')) return in.problem("no quote in front of the value of a parameter");
  return scan_value(in, param);
}

Problem scan_element(Scanner& in, FieldWriter& fields, std::size_t& params) {
  const std::string_view id = scan_name(in);
  if (id.empty()) return in.problem("an element of the structured data has no name");
  const auto map = fields.begin_map(id);
  Element element;
  while (!in.take(']')) {
    if (!in.is(' ')) return in.problem("no ] behind an element of the structured data");
    in.skip_all(' ');
    if (in.is(']')) continue;
    if (++params > kMostParams) return in.problem("more than 1024 parameters");
    Param param;
    if (const Problem problem = scan_param(in, param)) return problem;
    element.add(param, fields);
  }
  element.flush(fields);
  fields.end(map);
  return {};
}

}  // namespace

Problem scan_structured_data(Scanner& in, FieldWriter& fields) {
  if (in.take('-')) return {};
  if (!in.is('[')) return in.problem("the structured data is neither - nor in brackets");
  const auto all = fields.begin_map(Field::kStructuredData);
  std::size_t params = 0;
  while (in.take('[')) {
    if (const Problem problem = scan_element(in, fields, params)) return problem;
  }
  fields.end(all);
  return {};
}

}  // namespace penstock::syslog
