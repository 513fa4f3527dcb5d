#include "protocols/core/reason.h"
#include "server/log/log.h"
#include "server/pipeline/ledger.h"

namespace penstock {
namespace {

/// Only what is not zero, `tail_fin:3,oversize:1`; `0` where all are.
template <class Name, std::size_t N>
std::string listed(const std::array<std::uint64_t, N>& counts) {
  std::string text;
  for (std::size_t at = 0; at < N; ++at) {
    if (counts[at] == 0) continue;
    if (!text.empty()) text += ',';
    text += to_string(static_cast<Name>(at));
    text += ':';
    text += std::to_string(counts[at]);
  }
  return text.empty() ? "0" : text;
}

/// A ledger that is off means lost or invented data: that line is an error.
void write_line(bool balance, std::string_view message, log::Fields fields) {
  log::write(balance ? log::Level::kInfo : log::Level::kError, message, fields);
}

void log_listener(const ListenerTotals& l) {
  const FrameCounts& c = l.counts;
  const bool balance = l.bytes_balance() && l.frames_balance();
  write_line(balance, "ledger of a listener",
             {{"listener", l.name},
              {"read_bytes", l.read_bytes},
              {"compressed_bytes", c.compressed_bytes},
              {"decompressed_bytes", c.decompressed_bytes},
              {"in_frames_bytes", c.in_frames_bytes},
              {"framing_bytes", c.framing_bytes},
              {"cut_bytes", c.cut_bytes},
              {"discarded_bytes", listed<Reason>(c.discarded_bytes)},
              {"partial_held_bytes", l.partial_held_bytes},
              {"frames", c.frames},
              {"decoded", c.decoded},
              {"empty", c.empty},
              {"rejected", listed<Reason>(c.rejected)},
              {"truncated", c.truncated},
              {"partial", c.partial},
              {"unparsed", c.unparsed},
              {"aggregated", c.aggregated},
              {"unaggregated", c.unaggregated},
              {"truncated_streams", c.truncated_streams},
              {"flushed", c.flushed},
              {"events", c.events},
              {"datagrams", l.datagrams},
              {"kernel_drops", l.kernel_drops},
              {"refused_while_stopping", l.refused_while_stopping},
              {"accepted", l.accepted},
              {"active", l.active},
              {"ended", listed<ConnectionEnd>(l.ended)},
              {"balance", balance ? "ok" : "OFF"}});
}

void log_route(const RouteTotals& r) {
  write_line(r.balance(), "ledger of a route",
             {{"listener", r.listener},
              {"sink", r.sink},
              {"events", r.events},
              {"recovered", r.recovered},
              {"delivered", r.delivered},
              {"queued", r.queued},
              {"lost", listed<RouteLoss>(r.lost)},
              {"balance", r.balance() ? "ok" : "OFF"}});
}

}  // namespace

void log_ledger(const LedgerSnapshot& snapshot) {
  for (const ListenerTotals& listener : snapshot.listeners) log_listener(listener);
  for (const RouteTotals& route : snapshot.routes) log_route(route);
}

}  // namespace penstock
