#include "protocols/syslog/tag.h"

#include <cstddef>

#include "protocols/syslog/cef.h"

namespace penstock::syslog {
namespace {

constexpr std::size_t kMostTagBytes = 64;
constexpr std::string_view kDigits = "0123456789";

/// A word of hexadecimal digits and several colons.
bool is_address(std::string_view rest) noexcept {
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos &&
         word.find(':') != word.rfind(':');
}

/// `2003-10-11T22`, of a time that is none.
bool is_date(std::string_view word) noexcept {
  Scanner in(word);
  unsigned number = 0;
  return in.digits(4, number) && in.take('-') && in.digits(2, number) && in.take('-') &&
         in.digits(2, number) && (in.take('T') || in.take('t')) && in.digits(2, number);
}

bool is_tag(std::string_view word, std::string_view rest) noexcept {
  return !word.empty() && word.size() <= kMostTagBytes && word.front() != '%' &&
         !is_address(rest) && !is_date(word) && !is_cef_or_leef(rest);
}

/// `[PID]`
bool scan_procid(Scanner& in, std::string_view& procid) noexcept {
  if (!in.take('[')) return false;
  const std::size_t begin = in.at();
  while (!in.done() && !in.is(']') && !in.is(' ')) in.skip(1);
  procid = in.since(begin);
  return in.take(']');
}

}  // namespace

bool scan_tag(Scanner& in, Tag& tag) noexcept {
  const std::size_t begin = in.at();
  const std::string_view rest = in.rest();
  while (is_tag_byte(in.peek()) && in.at() - begin <= kMostTagBytes) in.skip(1);
  tag.app = in.since(begin);
  const bool ends = in.is(':') ? tag.app.find_first_not_of(kDigits) != std::string_view::npos
                               : scan_procid(in, tag.procid);
  if (ends && is_tag(tag.app, rest) && in.take(':')) {
    in.take(' ');
    return true;
  }
  tag = {};
  in.back_to(begin);
  return false;
}

}  // namespace penstock::syslog
