#pragma once

#include <string>

#include "server/admin/status.h"

namespace penstock::admin {

/// Everything in `status` as metrics in Prometheus' text format; conf/doc/monitoring.md lists them. A counter that an
/// alert waits for (an outcome, a reason) is there from the start with 0: the first of its kind is an increase then, and
/// not the birth of a series, which rate() does not see.
void append_metrics(std::string& out, const Status& status);

/// What the kernel says of this process (`process_...`, as Prometheus' client libraries name them). Nothing where /proc
/// is not to be had.
void append_process_metrics(std::string& out);

}  // namespace penstock::admin
