#include "server/sinks/nats/nats_counters.h"

#include <string_view>

namespace penstock {
namespace {

struct NatsMeasure {
  std::string_view name;
  bool counter;
  std::string_view help;
};

// In the order of NatsCounters::Index.
constexpr std::array<NatsMeasure, NatsCounters::kEnd> kNatsMeasures = {{
    {"penstock_nats_connected", false, "1 while there is a connection to a server, else 0."},
    {"penstock_nats_connections_total", true,
     "Connections made: above 1, one was lost or given up."},
    {"penstock_nats_in_flight_records", false, "Records sent and not yet acknowledged."},
    {"penstock_nats_in_flight_bytes", false, "Bytes of those records."},
    {"penstock_nats_published_records_total", true, "Records sent, each time that they were."},
    {"penstock_nats_published_bytes_total", true, "Bytes of those records, without headers."},
    {"penstock_nats_acked_records_total", true, "Records that a stream has confirmed."},
    {"penstock_nats_duplicate_records_total", true,
     "Confirmed records that the stream had already and did not store again."},
    {"penstock_nats_resent_records_total", true,
     "Records that had to be sent again: the connection ended, no answer came, or an error."},
    {"penstock_nats_ack_timeouts_total", true, "Records that had no answer in nats.ack_timeout."},
    {"penstock_nats_errors_total", true,
     "Answers that a record cannot be stored, for now or ever."},
}};

}  // namespace

std::vector<SinkMeasure> NatsCounters::measures() const {
  std::vector<SinkMeasure> measures;
  for (std::size_t at = 0; at < kEnd; ++at)
    measures.push_back({kNatsMeasures[at].name, kNatsMeasures[at].help, kNatsMeasures[at].counter,
                        static_cast<double>(values_[at].load(std::memory_order_relaxed))});
  return measures;
}

}  // namespace penstock
