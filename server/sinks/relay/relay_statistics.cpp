#include "server/sinks/relay/relay_statistics.h"

#include <array>

namespace penstock {
namespace {

struct RelayMeasure {
  std::string_view name;
  std::string_view help;
  bool counter;
  RelayStatistics::Number RelayStatistics::*number;
};

constexpr std::array<RelayMeasure, 9> kRelayMeasures = {{
    {"penstock_relay_acks_awaited", "Chunks of protocol \"forward\" that are not acknowledged yet.",
     false, &RelayStatistics::acks_awaited},
    {"penstock_relay_connections_lost_total", "Connections that ended before the sink was closed.",
     true, &RelayStatistics::connections_lost},
    {"penstock_relay_connections_opened_total", "Connections to receivers that were made.", true,
     &RelayStatistics::connections_opened},
    {"penstock_relay_failovers_total",
     "Batches, or parts of them, that went to another receiver than at first.", true,
     &RelayStatistics::failovers},
    {"penstock_relay_messages_total",
     "Datagrams and packets that were sent, or chunks of protocol \"forward\".", true,
     &RelayStatistics::messages},
    {"penstock_relay_resends_total",
     "Batches, or parts of them, that were begun and not delivered when a connection ended.", true,
     &RelayStatistics::resends},
    {"penstock_relay_retries_total",
     "Times that a batch found no receiver, or none that got on with it.", true,
     &RelayStatistics::retries},
    {"penstock_relay_sent_bytes_total", "Bytes that sockets took.", true,
     &RelayStatistics::sent_bytes},
    {"penstock_relay_upstreams_up", "Receivers that a connection is up to.", false,
     &RelayStatistics::upstreams_up},
}};

}  // namespace

std::vector<SinkMeasure> RelayStatistics::measures() const {
  std::vector<SinkMeasure> measures;
  for (const RelayMeasure& row : kRelayMeasures)
    measures.push_back({row.name, row.help, row.counter,
                        static_cast<double>((this->*row.number).load(std::memory_order_relaxed))});
  return measures;
}

}  // namespace penstock
