#include "protocols/syslog/header.h"

#include "protocols/syslog/cef.h"

namespace penstock::syslog {
namespace {

constexpr unsigned kMostPri = 191, kSeverities = 8;

}  // namespace

Problem scan_pri(Scanner& in, FieldWriter& fields) {
  const std::size_t begin = in.at();
  unsigned pri = 0;
  if (!in.take('<') || !in.number(3, pri) || !in.take('>'))
    return in.problem("no priority of one to three digits between < and >");
  const bool leading_zero = in.frame()[begin + 1] == '0' && pri != 0;
  if (leading_zero || pri > kMostPri) {
    in.back_to(begin + 1);
    return in.problem(leading_zero ? "the priority begins with 0" : "the priority is above 191");
  }
  fields.unsigned_integer(Field::kFacility, pri / kSeverities);
  fields.unsigned_integer(Field::kSeverity, pri % kSeverities);
  return {};
}

std::string_view message_of(std::string_view rest) noexcept {
  while (rest.ends_with('\0')) rest.remove_suffix(1);
  if (!rest.ends_with('\n')) return rest;
  rest.remove_suffix(1);
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

void write_message(std::string_view message, SyslogOptions::Payload payload, FieldWriter& fields) {
  if (message.empty()) return;
  fields.string(Field::kMessage, message);
  if (payload == SyslogOptions::Payload::kCef) write_cef_or_leef(message, fields);
}

}  // namespace penstock::syslog
