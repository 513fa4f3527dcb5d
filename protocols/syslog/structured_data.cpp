#include "protocols/syslog/structured_data.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "protocols/syslog/repetitions.h"
#include "protocols/syslog/rfc5424.h"

namespace penstock::syslog {
namespace {

static_assert(kMostParams <= Repetitions::kMost);

/// A text in the frame. It and what is made of it are not initialized: arrays of the most there may be cost nothing.
struct Text {
  const char* data;
  std::size_t size;

  std::string_view view() const noexcept { return {data, size}; }
};
Text text_of(std::string_view view) noexcept { return {view.data(), view.size()}; }

struct Param {
  Text name;
  Text value;  // as it stands between its quotes
  bool escaped;
};

struct Element {
  Text id;
  std::size_t begin, end;  // its parameters
};

/// All that a message has, in its order.
class StructuredData {
 public:
  /// False: that is one too many. Elements and parameters count alike.
  bool begin_element(std::string_view id) noexcept {
    if (full()) return false;
    elements_[element_count_++] = {text_of(id), param_count_, param_count_};
    return true;
  }
  bool add(const Param& param) noexcept {
    if (full()) return false;
    params_[param_count_++] = param;
    ++elements_[element_count_ - 1].end;
    return true;
  }

  void write(FieldWriter& fields) const;

 private:
  bool full() const noexcept { return element_count_ + param_count_ == kMostParams; }
  void write_element(std::size_t at, const Repetitions& ids, FieldWriter& fields) const;
  void write_params(std::span<const std::uint16_t> params, FieldWriter& fields) const;

  std::array<Param, kMostParams> params_;
  std::array<Element, kMostParams> elements_;
  std::size_t param_count_ = 0, element_count_ = 0;
};

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
    fields.string(name, unescaped(param.value.view()));
  else
    fields.string(name, param.value.view());
}

void StructuredData::write(FieldWriter& fields) const {
  const auto all = fields.begin_map(Field::kStructuredData);
  const Repetitions ids(element_count_, [&](std::size_t at) { return elements_[at].id.view(); });
  for (std::size_t at = 0; at < element_count_; ++at) {
    if (!ids.is_repetition(at)) write_element(at, ids, fields);
  }
  fields.end(all);
}

/// It and all further ones of its name as one map.
void StructuredData::write_element(std::size_t at, const Repetitions& ids,
                                   FieldWriter& fields) const {
  const auto map = fields.begin_map(elements_[at].id.view());
  std::array<std::uint16_t, kMostParams> params;
  std::size_t count = 0;
  for (; at != Repetitions::kNone; at = ids.next(at)) {
    for (std::size_t param = elements_[at].begin; param < elements_[at].end; ++param)
      params[count++] = static_cast<std::uint16_t>(param);
  }
  write_params({params.data(), count}, fields);
  fields.end(map);
}

/// Those of one name as an array.
void StructuredData::write_params(std::span<const std::uint16_t> params,
                                  FieldWriter& fields) const {
  const auto param = [&](std::size_t at) -> const Param& { return params_[params[at]]; };
  const Repetitions names(params.size(), [&](std::size_t at) { return param(at).name.view(); });
  for (std::size_t at = 0; at < params.size(); ++at) {
    if (names.is_repetition(at)) continue;
    const std::string_view name = param(at).name.view();
    if (names.next(at) == Repetitions::kNone) {
      write_value(name, param(at), fields);
      continue;
    }
    const auto array = fields.begin_array(name);
    for (std::size_t next = at; next != Repetitions::kNone; next = names.next(next))
      write_value(Field::kNone, param(next), fields);
    fields.end(array);
  }
}

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
  param.escaped = false;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] != '\\') continue;
    param.escaped = true;
    if (at + 1 < rest.size() && rest[at + 1] != '\0') ++at;
  }
  in.skip(at);
  if (at == rest.size()) return in.problem("a value of the structured data has no closing quote");
  param.value = text_of(rest.substr(0, at));
  in.skip(1);
  return {};
}

Problem scan_param(Scanner& in, Param& param) noexcept {
  const std::string_view name = scan_name(in);
  if (name.empty()) return in.problem("a parameter of the structured data has no name");
  param.name = text_of(name);
  if (!in.take('=')) return in.problem("no = behind the name of a parameter");
  if (!in.take('"')) return in.problem("no quote in front of the value of a parameter");
  return scan_value(in, param);
}

constexpr const char* kTooMany = "more than 1024 parameters";

Problem scan_element(Scanner& in, StructuredData& data) noexcept {
  const std::string_view id = scan_name(in);
  if (id.empty()) return in.problem("an element of the structured data has no name");
  if (!data.begin_element(id)) return in.problem(kTooMany);
  while (!in.take(']')) {
    if (!in.is(' ')) return in.problem("no ] behind an element of the structured data");
    in.skip_all(' ');
    if (in.is(']')) continue;
    Param param;
    const std::size_t begin = in.at();
    if (const Problem problem = scan_param(in, param)) return problem;
    if (!data.add(param)) return {kTooMany, begin};
  }
  return {};
}

}  // namespace

Problem scan_structured_data(Scanner& in, FieldWriter& fields) {
  if (in.take('-')) return {};
  if (in.done()) return in.problem("no structured data");
  if (!in.is('[')) return in.problem("the structured data is neither - nor in brackets");
  StructuredData data;
  while (in.take('[')) {
    if (const Problem problem = scan_element(in, data)) return problem;
  }
  data.write(fields);
  return {};
}

}  // namespace penstock::syslog
