#include "server/sinks/nats/nats_subject.h"

#include <algorithm>
#include <string_view>

namespace penstock {
namespace {

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

}  // namespace

void make_subject_part(std::string& text, std::size_t from) {
  if (text.size() == from) text += '_';
  const auto divides = [](char c) {
    return is_control(c) || std::string_view(" .*>$").find(c) != std::string_view::npos;
  };
  std::replace_if(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), divides, '_');
}

void limit_subject(std::string& subject) {
  if (subject.size() <= kMostSubjectBytes) return;
  subject.resize(kMostSubjectBytes);
  while (subject.ends_with('.')) subject.pop_back();
}

void make_header_line(std::string& value) {
  std::replace_if(value.begin(), value.end(), is_control, ' ');
}

}  // namespace penstock
