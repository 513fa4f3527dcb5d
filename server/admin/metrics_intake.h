#pragma once

#include "server/admin/prometheus_text.h"
#include "server/admin/status.h"

namespace penstock::admin {

/// The part of the metrics that each URL of each listener has: labels `listener` and `url`.
void append_intake_metrics(PrometheusText& text, const Status& status);

}  // namespace penstock::admin
