#include "server/admin/metrics_intake.h"

#include <array>

#include "server/net/url.h"

namespace penstock::admin {
namespace {

using enum MetricType;

/// Whose metrics they are: a tcp listener has no datagrams, and a udp socket no connections.
enum class Of : std::uint8_t { kAll, kConnections, kMessages, kDatagrams, kUdp };

bool is_of(Of of, Scheme scheme) noexcept {
  switch (of) {
    case Of::kAll: break;
    case Of::kConnections: return !is_datagram(scheme);
    case Of::kMessages: return !is_stream(scheme);
    case Of::kDatagrams: return is_datagram(scheme);
    case Of::kUdp: return is_udp(scheme);
  }
  return true;
}

Scheme scheme_of(const UrlStatus& url) noexcept {
  const std::string_view text = url.totals.url;
  const std::string_view name = text.substr(0, text.find("://"));
  Scheme scheme = Scheme::kTcp;
  while (to_string(scheme) != name && scheme != Scheme::kUnixpacket)
    scheme = static_cast<Scheme>(static_cast<std::uint8_t>(scheme) + 1);
  return scheme;
}

struct UrlMetric {
  std::string_view name;
  MetricType type;
  Of of;
  std::string_view help;
  std::uint64_t (*value)(const UrlStatus&);
};

// In the order of a record's way. A reader of this table knows all that is counted of a URL.
constexpr std::array<UrlMetric, 29> kUrlMetrics = {{
    {"penstock_read_bytes_total", kCounter, Of::kAll,
     "Bytes read from the kernel, datagrams at their length on the wire.",
     [](const UrlStatus& url) { return url.totals.read_bytes; }},
    {"penstock_compressed_bytes_total", kCounter, Of::kAll,
     "Bytes that decompressors took, of those read.",
     [](const UrlStatus& url) { return url.totals.counts.compressed_bytes; }},
    {"penstock_decompressed_bytes_total", kCounter, Of::kAll,
     "Bytes that came out of decompressors.",
     [](const UrlStatus& url) { return url.totals.counts.decompressed_bytes; }},
    {"penstock_truncated_streams_total", kCounter, Of::kAll,
     "Compressed streams that ended in the middle.",
     [](const UrlStatus& url) { return url.totals.counts.truncated_streams; }},
    {"penstock_in_frames_bytes_total", kCounter, Of::kAll, "Bytes that are content of frames.",
     [](const UrlStatus& url) { return url.totals.counts.in_frames_bytes; }},
    {"penstock_framing_bytes_total", kCounter, Of::kAll,
     "Bytes between frames: delimiters and counts.",
     [](const UrlStatus& url) { return url.totals.counts.framing_bytes; }},
    {"penstock_cut_bytes_total", kCounter, Of::kAll,
     "Bytes behind max_frame_bytes that were cut off truncated frames.",
     [](const UrlStatus& url) { return url.totals.counts.cut_bytes; }},
    {"penstock_partial_held_bytes", kGauge, Of::kAll, "Bytes held of frames that have no end yet.",
     [](const UrlStatus& url) { return url.totals.partial_held_bytes; }},
    {"penstock_datagrams_total", kCounter, Of::kMessages, "Datagrams and packets read.",
     [](const UrlStatus& url) { return url.totals.datagrams; }},
    {"penstock_kernel_drops_total", kCounter, Of::kUdp,
     "Datagrams that the kernel dropped because the receive buffer was full. With gro = true at "
     "least so many: a train of datagrams counts as one.",
     [](const UrlStatus& url) { return url.totals.kernel_drops; }},
    {"penstock_datagrams_refused_total", kCounter, Of::kUdp,
     "Datagrams that came behind the end of reading, while the server stops.",
     [](const UrlStatus& url) { return url.totals.refused_while_stopping; }},
    {"penstock_frames_total", kCounter, Of::kAll, "Frames found, whatever became of them.",
     [](const UrlStatus& url) { return url.totals.counts.frames; }},
    {"penstock_frames_decoded_total", kCounter, Of::kAll, "Frames that became records.",
     [](const UrlStatus& url) { return url.totals.counts.decoded; }},
    {"penstock_frames_empty_total", kCounter, Of::kAll, "Frames without content, left out.",
     [](const UrlStatus& url) { return url.totals.counts.empty; }},
    {"penstock_frames_truncated_total", kCounter, Of::kAll,
     "Decoded frames that were cut at max_frame_bytes.",
     [](const UrlStatus& url) { return url.totals.counts.truncated; }},
    {"penstock_frames_partial_total", kCounter, Of::kAll,
     "Decoded frames whose connection ended before they did.",
     [](const UrlStatus& url) { return url.totals.counts.partial; }},
    {"penstock_frames_unparsed_total", kCounter, Of::kAll,
     "Decoded frames that are not in the form of the listener's protocol.",
     [](const UrlStatus& url) { return url.totals.counts.unparsed; }},
    {"penstock_frames_aggregated_total", kCounter, Of::kAll,
     "Frames taken into an aggregate, of which flushes make records.",
     [](const UrlStatus& url) { return url.totals.counts.aggregated; }},
    {"penstock_frames_unaggregated_total", kCounter, Of::kAll,
     "Decoded frames that went on by themselves because an aggregate's limits had no room for "
     "them.",
     [](const UrlStatus& url) { return url.totals.counts.unaggregated; }},
    {"penstock_events_flushed_total", kCounter, Of::kAll,
     "Records that flushes of an aggregate made, under the url aggregate://LISTENER.",
     [](const UrlStatus& url) { return url.totals.counts.flushed; }},
    {"penstock_events_total", kCounter, Of::kAll, "Records taken in.",
     [](const UrlStatus& url) { return url.totals.counts.events; }},
    {"penstock_connections_accepted_total", kCounter, Of::kConnections, "Connections accepted.",
     [](const UrlStatus& url) { return url.totals.accepted; }},
    {"penstock_connections_active", kGauge, Of::kConnections, "Connections open now.",
     [](const UrlStatus& url) { return url.totals.active; }},
    {"penstock_sockets_paused", kGauge, Of::kAll,
     "Connections and datagram sockets that are not read now, because a sink or memory holds them.",
     [](const UrlStatus& url) { return url.totals.paused; }},
    {"penstock_kernel_receive_queue_bytes", kGauge, Of::kAll,
     "Bytes that wait in the kernel to be read (Recv-Q).",
     [](const UrlStatus& url) { return url.kernel.receive_queue_bytes; }},
    {"penstock_kernel_send_queue_bytes", kGauge, Of::kConnections,
     "Bytes of replies that peers have not taken (Send-Q).",
     [](const UrlStatus& url) { return url.kernel.send_queue_bytes; }},
    {"penstock_kernel_accept_queue_connections", kGauge, Of::kConnections,
     "Connections that wait in the kernel to be accepted.",
     [](const UrlStatus& url) { return url.kernel.accept_queue; }},
    {"penstock_kernel_backlog_connections", kGauge, Of::kConnections,
     "How many connections may wait to be accepted.",
     [](const UrlStatus& url) { return url.kernel.backlog; }},
    {"penstock_kernel_receive_buffer_bytes", kGauge, Of::kDatagrams,
     "Size of the datagram socket's receive buffer; what waits in it is charged with overhead.",
     [](const UrlStatus& url) { return url.kernel.receive_buffer_bytes; }},
}};

template <class Visit>
void for_each_url(const Status& status, Of of, Visit&& visit) {
  for (const ListenerStatus& listener : status.listeners)
    for (const UrlStatus& url : listener.urls)
      if (is_of(of, scheme_of(url))) visit(listener, url);
}

void append(PrometheusText& text, const Status& status, const UrlMetric& metric) {
  text.open(metric.name, metric.type, metric.help);
  for_each_url(status, metric.of, [&](const ListenerStatus& listener, const UrlStatus& url) {
    text.add({{"listener", listener.totals.name}, {"url", url.totals.url}}, metric.value(url));
  });
}

/// Whether a URL without connections can have this one.
constexpr bool is_of_messages(Reason reason) noexcept {
  switch (reason) {
    case Reason::kTailFin:
    case Reason::kTailReset:
    case Reason::kTailTimeout:
    case Reason::kTailDeadline:
    case Reason::kPartialBudget:
    case Reason::kRefused: return false;
    default: return true;
  }
}

using ByReason = std::array<std::uint64_t, kReasonCount>;

void append_reasons(PrometheusText& text, const Status& status, std::string_view name,
                    std::string_view help, const ByReason& (*of)(const UrlStatus&)) {
  text.open(name, kCounter, help);
  for_each_url(status, Of::kAll, [&](const ListenerStatus& listener, const UrlStatus& url) {
    const bool has_connections = is_of(Of::kConnections, scheme_of(url));
    for (std::size_t at = 0; at < kReasonCount; ++at) {
      const auto reason = static_cast<Reason>(at);
      const std::uint64_t count = of(url)[at];
      if (count != 0 || has_connections || is_of_messages(reason))
        text.add({{"listener", listener.totals.name},
                  {"url", url.totals.url},
                  {"reason", to_string(reason)}},
                 count);
    }
  });
}

void append_outcomes(PrometheusText& text, const Status& status) {
  text.open("penstock_connections_ended_total", kCounter, "Connections that ended, by outcome.");
  for_each_url(status, Of::kConnections, [&](const ListenerStatus& listener, const UrlStatus& url) {
    for (std::size_t at = 0; at < kConnectionEndCount; ++at)
      text.add({{"listener", listener.totals.name},
                {"url", url.totals.url},
                {"outcome", to_string(static_cast<ConnectionEnd>(at))}},
               url.totals.ended[at]);
  });
}

}  // namespace

void append_intake_metrics(PrometheusText& text, const Status& status) {
  for (const UrlMetric& metric : kUrlMetrics) append(text, status, metric);
  append_reasons(
      text, status, "penstock_discarded_bytes_total",
      "Bytes read that are part of no record, by reason.",
      [](const UrlStatus& url) -> const ByReason& { return url.totals.counts.discarded_bytes; });
  append_reasons(
      text, status, "penstock_frames_rejected_total",
      "Frames that did not become records, by reason.",
      [](const UrlStatus& url) -> const ByReason& { return url.totals.counts.rejected; });
  append_outcomes(text, status);
}

}  // namespace penstock::admin
