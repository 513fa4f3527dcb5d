#include "protocols/statsd/parse.h"

#include "protocols/core/scanner.h"
#include "protocols/statsd/event.h"
#include "protocols/statsd/metric.h"

namespace penstock::statsd {

Problem parse_statsd(std::string_view line, FieldWriter& fields) {
  Scanner in(line);
  if (in.take("_e{")) return parse_event(in, fields);
  if (in.take("_sc|")) return parse_service_check(in, fields);
  return parse_metric(in, fields);
}

}  // namespace penstock::statsd
