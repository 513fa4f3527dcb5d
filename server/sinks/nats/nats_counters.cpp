#include "server/sinks/nats/nats_counters.h"

#include <string_view>

namespace penstock {
namespace {

// In the order of NatsCounters::Index.
constexpr std::array<SinkMeasure, NatsCounters::kEnd> kNatsMeasures = {{
    {"penstock_nats_connected", "1 while there is a connection to a server, else 0.", false},
    {"penstock_nats_connections_total", "Connections made: above 1, one was lost or given up.",
     true},
    {"penstock_nats_in_flight_records", "Records sent and not yet acknowledged.", false},
    {"penstock_nats_in_flight_bytes", "Bytes of those records.", false},
    {"penstock_nats_published_records_total", "Records sent, each time that they were.", true},
    {"penstock_nats_published_bytes_total", "Bytes of those records, without headers.", true},
    {"penstock_nats_acked_records_total", "Records that a stream has confirmed.", true},
    {"penstock_nats_duplicate_records_total",
     "Confirmed records that the stream had already and did not store again.", true},
    {"penstock_nats_resent_records_total",
     "Records that had to be sent again: the connection ended, no answer came, or an error.", true},
    {"penstock_nats_ack_timeouts_total", "Records that had no answer in nats.ack_timeout.", true},
    {"penstock_nats_errors_total", "Answers that a record cannot be stored, for now or ever.",
     true},
}};

}  // namespace

std::vector<SinkMeasure> NatsCounters::measures() const {
  std::vector<SinkMeasure> measures(kNatsMeasures.begin(), kNatsMeasures.end());
  for (std::size_t at = 0; at < kEnd; ++at)
    measures[at].value = static_cast<double>(values_[at].load(std::memory_order_relaxed));
  return measures;
}

}  // namespace penstock
