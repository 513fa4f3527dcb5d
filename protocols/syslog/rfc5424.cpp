#include "protocols/syslog/rfc5424.h"

#include <array>

#include "protocols/core/byte_order_mark.h"
#include "protocols/core/timestamp.h"
#include "protocols/syslog/header.h"
#include "protocols/syslog/message_time.h"
#include "protocols/syslog/structured_data.h"

namespace penstock::syslog {
namespace {

Problem scan_timestamp(Scanner& in, const TimeScanner& times, FieldWriter& fields) {
  if (in.take('-')) return {};
  const std::size_t begin = in.at();
  std::int64_t ns = 0;
  if (const Problem problem = scan_rfc3339(in, ns)) {
    in.back_to(begin);
    if (!times.scan_iso(in, ns) || !in.is(' ')) return problem;
  }
  fields.time(Field::kTimestamp, ns);
  return {};
}

/// Where a blank is missing, so is what should stand behind it.
Problem scan_names(Scanner& in, FieldWriter& fields) {
  struct Name {
    Field field;
    const char* missing;
    const char* next_missing;
  };
  static constexpr std::array<Name, 4> kNames = {{
      {Field::kHost, "no host name", "no application name"},
      {Field::kApp, "no application name", "no process id"},
      {Field::kProcid, "no process id", "no message id"},
      {Field::kMsgid, "no message id", "no structured data"},
  }};
  for (const Name& name : kNames) {
    const std::string_view text = in.until(' ');
    if (text.empty()) return in.problem(name.missing);
    if (!in.take(' ')) return in.problem(name.next_missing);
    if (text != "-") fields.string(name.field, text);
  }
  return {};
}

}  // namespace

Problem parse_rfc5424(std::string_view frame, const SyslogOptions& options,
                      std::int64_t received_ns, FieldWriter& fields) {
  Scanner in(frame);
  if (const Problem problem = scan_pri(in, fields)) return problem;
  unsigned version = 0;
  if (!in.number(2, version) || version != 1 || !in.take(' '))
    return in.problem("the version is not 1");
  const TimeScanner times(options, received_ns);
  if (const Problem problem = scan_timestamp(in, times, fields)) return problem;
  if (!in.take(' ')) return in.problem("no blank behind the time");
  if (const Problem problem = scan_names(in, fields)) return problem;
  if (const Problem problem = scan_structured_data(in, fields)) return problem;
  in.take(' ');
  std::string_view message = message_of(in.rest());
  if (message.starts_with(kByteOrderMark)) message.remove_prefix(kByteOrderMark.size());
  write_message(message, options.payload, fields);
  return {};
}

/// A text may begin with a number all the same: `<14>3 files processed`.
bool looks_like_rfc5424(std::string_view frame) noexcept {
  Scanner in(frame);
  unsigned pri = 0, version = 0, number = 0;
  if (!in.take('<') || !in.number(3, pri) || !in.take('>') || !in.number(2, version) ||
      version == 0 || !in.take(' '))
    return false;
  if (in.take('-')) return version == 1 && (in.done() || in.is(' '));
  if (!in.digits(4, number) || !in.take('-')) return false;
  return version == 1 || (in.digits(2, number) && in.take('-') && in.digits(2, number) &&
                          (in.take('T') || in.take('t')));
}

}  // namespace penstock::syslog
