#include "protocols/syslog/rfc3164.h"

#include "protocols/syslog/cef.h"
#include "protocols/syslog/cisco.h"
#include "protocols/syslog/header.h"
#include "protocols/syslog/message_time.h"
#include "protocols/syslog/tag.h"

namespace penstock::syslog {
namespace {

/// What stands between priority and message.
struct Head {
  bool timed = false, tagged = false;
  std::int64_t ns = 0;
  std::string_view host;
  Tag tag;
};

/// One word and its blank.
bool scan_host(Scanner& in, std::string_view& host) noexcept {
  const std::size_t begin = in.at();
  while (!in.done() && !in.is(' ')) in.skip(1);
  host = in.since(begin);
  const bool last_is_colon =
      host.ends_with(':');  // a tag that is too long, or a form that nobody knows
  if (!host.empty() && !last_is_colon && in.take(' ')) return true;
  host = {};
  in.back_to(begin);
  return false;
}

/// `Message forwarded from HOST: `, which AIX writes where others have the host. Nothing is taken where it is not that.
bool scan_forwarded(Scanner& in, std::string_view& host) noexcept {
  const std::size_t begin = in.at();
  if (in.take("Message forwarded from ")) {
    host = in.until(' ');
    if (host.size() > 1 && host.ends_with(':') && in.take(' ')) {
      host.remove_suffix(1);
      return true;
    }
  }
  host = {};
  in.back_to(begin);
  return false;
}

/// No word of it is a host: what syslogd says itself, CEF and LEEF.
bool begins_message(const Scanner& in) noexcept {
  return in.rest().starts_with("last message repeated ") || is_cef_or_leef(in.rest());
}

/// What a Cisco device wrote itself stands behind what a relay did. Its time is the better one, if it knows it.
void scan_relayed_cisco(Scanner& in, const TimeScanner& times, Head& head) noexcept {
  const std::size_t begin = in.at();
  CiscoFront front;
  if (!scan_cisco_front(in, times, front)) return;
  const bool two_hosts = !head.host.empty() && !front.host.empty();
  if (two_hosts || !at_mnemonic(in)) return in.back_to(begin);
  if (head.host.empty()) head.host = front.host;
  if (front.timed && front.clock_is_right) head.ns = front.ns;
}

void scan_host_and_tag(Scanner& in, const TimeScanner& times, Head& head) noexcept {
  in.skip_all(' ');
  head.tagged = scan_tag(in, head.tag);
  if (head.tagged || begins_message(in)) return;
  if (!scan_forwarded(in, head.host)) scan_host(in, head.host);
  if (may_begin_cisco_front(in.peek())) scan_relayed_cisco(in, times, head);
  if (!head.host.empty()) head.tagged = scan_tag(in, head.tag);
}

/// From `begin` a time with its year behind it, and what can only stand behind a time: a tag, something of Cisco's, CEF or
/// LEEF. Four digits in front of anything else are a host, or a number in a message. Nothing is taken where it is not that.
bool scan_head_with_year(Scanner& in, std::size_t begin, const TimeScanner& times,
                         Head& head) noexcept {
  const std::size_t behind_time = in.at();
  int year = 0;
  if (!scan_year(in, year)) return false;
  in.back_to(begin);
  Head found{.timed = true};
  if (times.scan(in, found.ns, Year::kBehind)) {
    const bool cisco = in.take(": ");
    if (!cisco && in.take(' ')) scan_host_and_tag(in, times, found);
    if (cisco || found.tagged || in.is('%') || is_cef_or_leef(in.rest())) {
      head = found;
      return true;
    }
  }
  in.back_to(behind_time);
  return false;
}

/// Behind a time of its own form, which may have a blank in front of it (HP ProCurve).
bool scan_head_with_time(Scanner& in, const TimeScanner& times, Head& head) noexcept {
  const std::size_t begin = in.at();
  in.skip_all(' ');
  const std::size_t time = in.at();
  if (times.scan(in, head.ns)) {
    if (scan_head_with_year(in, time, times, head)) return true;
    if (in.take(' ')) {
      head.timed = true;
      scan_host_and_tag(in, times, head);
      return true;
    }
  }
  in.back_to(begin);
  return false;
}

/// The process of IOS XR, `ifmgr[214]: `, may stand behind the time.
bool scan_head_of_cisco(Scanner& in, const TimeScanner& times, Head& head) noexcept {
  CiscoFront front;
  if (!scan_cisco_front(in, times, front)) {
    head.timed = scan_meraki_front(in, head.ns, head.host);
    return head.timed;
  }
  head = {.timed = front.timed, .ns = front.ns, .host = front.host};
  const std::size_t behind = in.at();
  head.tagged = scan_tag(in, head.tag) && !head.tag.procid.empty();
  if (!head.tagged) in.back_to(behind);
  return true;
}

/// `2015-09-06 17:14:15 host app: `. A log line of a program may begin so too, but not go on so.
bool scan_head_with_split_time(Scanner& in, const TimeScanner& times, Head& head) noexcept {
  const std::size_t begin = in.at();
  Head found{.timed = true};
  if (times.scan_iso(in, found.ns, ' ') && in.take(' ')) {
    scan_host_and_tag(in, times, found);
    if (found.tagged && !found.host.empty()) {
      head = found;
      return true;
    }
  }
  in.back_to(begin);
  return false;
}

Head scan_head(Scanner& in, const TimeScanner& times) noexcept {
  Head head;
  if (scan_head_with_time(in, times, head) || scan_head_of_cisco(in, times, head) ||
      scan_head_with_split_time(in, times, head))
    return head;
  head = {};
  head.tagged = scan_tag(in, head.tag);
  return head;
}

}  // namespace

Problem parse_rfc3164(std::string_view frame, const SyslogOptions& options,
                      std::int64_t received_ns, FieldWriter& fields) {
  Scanner in(frame);
  if (in.is('<') && Scanner::is_digit(in.peek(1))) {
    if (const Problem problem = scan_pri(in, fields)) return problem;
  }
  const Head head = scan_head(in, TimeScanner(options, received_ns));
  if (head.timed) fields.time(Field::kTimestamp, head.ns);
  if (!head.host.empty()) fields.string(Field::kHost, head.host);
  if (head.tagged) {
    fields.string(Field::kApp, head.tag.app);
    if (!head.tag.procid.empty()) fields.string(Field::kProcid, head.tag.procid);
  }
  write_message(message_of(in.rest()), options.payload, fields);
  return {};
}

}  // namespace penstock::syslog
