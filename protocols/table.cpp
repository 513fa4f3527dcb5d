#include "protocols/table.h"

#include <algorithm>
#include <array>

#include "protocols/collectd/decoder.h"
#include "protocols/forward/decoder.h"
#include "protocols/gelf/chunk.h"
#include "protocols/gelf/decoder.h"
#include "protocols/graphite/decoder.h"
#include "protocols/influx/decoder.h"
#include "protocols/json/decoder.h"
#include "protocols/lumberjack/decoder.h"
#include "protocols/raw/decoder.h"
#include "protocols/relp/decoder.h"
#include "protocols/statsd/aggregate.h"
#include "protocols/statsd/decoder.h"
#include "protocols/syslog/decoder.h"

namespace penstock {
namespace {

constexpr Transports kEverything{.streams = true, .datagrams = true};
constexpr Transports kStreams{.streams = true, .datagrams = false};

constexpr std::array kTable = {
    ProtocolInfo{.name = "raw",
                 .transports = kEverything,
                 .default_port = 0,
                 .acks = false,
                 .make = [](const FramingOptions& framing,
                            const ProtocolOptions&) { return make_raw_decoder(framing); }},
    ProtocolInfo{.name = "syslog",
                 .transports = kEverything,
                 .default_port = 514,
                 .acks = false,
                 .makes = Makes::kLogs,
                 .framing = Framing::kSyslogAuto,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_syslog_decoder(framing, options.syslog);
                     }},
    ProtocolInfo{.name = "relp",
                 .transports = kStreams,
                 .default_port = 20514,
                 .acks = true,
                 .makes = Makes::kLogs,
                 .carries = "syslog",
                 .own_framing = true,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_relp_decoder(framing, options.relp, options.syslog);
                     }},
    ProtocolInfo{.name = "lumberjack",
                 .transports = kStreams,
                 .default_port = 5044,
                 .acks = true,
                 .makes = Makes::kLogs,
                 .own_framing = true,
                 .refuses = Refuses::kUnfinished,
                 .max_frame_bytes = std::size_t{16} << 20,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_lumberjack_decoder(framing, options.lumberjack);
                     }},
    // Datagrams are its heartbeats.
    ProtocolInfo{.name = "forward",
                 .transports = kEverything,
                 .default_port = 24224,
                 .acks = true,
                 .makes = Makes::kLogs,
                 .own_framing = true,
                 .refuses = Refuses::kAll,
                 .max_frame_bytes = std::size_t{16} << 20,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_forward_decoder(framing, options.forward);
                     }},
    ProtocolInfo{.name = "json",
                 .transports = kEverything,
                 .default_port = 0,
                 .acks = false,
                 .makes = Makes::kLogs,
                 .split = Split::kNewline,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_json_decoder(framing, options.json);
                     }},
    ProtocolInfo{.name = "gelf",
                 .transports = kEverything,
                 .default_port = 12201,
                 .acks = false,
                 .makes = Makes::kLogs,
                 .framing = Framing::kNul,
                 .max_frame_bytes = std::size_t{1} << 20,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_gelf_decoder(framing, options.gelf);
                     },
                 .share =
                     [](ProtocolOptions& options) {
                       options.gelf.chunk_memory =
                           gelf::make_chunk_memory(options.gelf.max_chunk_bytes);
                     }},
    ProtocolInfo{.name = "collectd",
                 .transports = {.datagrams = true},
                 .default_port = 25826,
                 .acks = false,
                 .makes = Makes::kBoth,
                 .own_framing = true,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_collectd_decoder(framing, options.collectd);
                     }},
    ProtocolInfo{
        .name = "statsd",
        .transports = kEverything,
        .default_port = 8125,
        .acks = false,
        .makes = Makes::kMetrics,
        .split = Split::kNewline,
        .make =
            [](const FramingOptions& framing, const ProtocolOptions& options) {
              return make_statsd_decoder(framing, options.statsd);
            },
        .aggregate = [](ProtocolOptions& options,
                        std::shared_ptr<AggregateMemory> memory) -> std::shared_ptr<Aggregate> {
          if (options.statsd.flush.count() == 0) return nullptr;
          options.statsd.aggregate = make_statsd_aggregate(options.statsd, std::move(memory));
          return options.statsd.aggregate;
        }},
    ProtocolInfo{.name = "influx",
                 .transports = kEverything,
                 .default_port = 8089,
                 .acks = false,
                 .makes = Makes::kMetrics,
                 .own_framing = true,
                 .split = Split::kNewline,
                 .make =
                     [](const FramingOptions& framing, const ProtocolOptions& options) {
                       return make_influx_decoder(framing, options.influx);
                     }},
    ProtocolInfo{.name = "graphite",
                 .transports = kEverything,
                 .default_port = 2003,
                 .acks = false,
                 .makes = Makes::kMetrics,
                 .split = Split::kNewline,
                 .make = [](const FramingOptions& framing,
                            const ProtocolOptions&) { return make_graphite_decoder(framing); }},
    ProtocolInfo{
        .name = "graphite_pickle",
        .transports = kStreams,
        .default_port = 2004,
        .acks = false,
        .makes = Makes::kMetrics,
        .own_framing = true,
        .framing = Framing::kLengthPrefixed,
        .max_frame_bytes = std::size_t{1} << 20,
        .make = [](const FramingOptions& framing,
                   const ProtocolOptions&) { return make_graphite_pickle_decoder(framing); }},
    ProtocolInfo{.name = "opentsdb",
                 .transports = kStreams,
                 .default_port = 4242,
                 .acks = false,
                 .makes = Makes::kMetrics,
                 .make = [](const FramingOptions& framing,
                            const ProtocolOptions&) { return make_opentsdb_decoder(framing); }},
};

}  // namespace

std::span<const ProtocolInfo> protocol_table() noexcept { return kTable; }

const ProtocolInfo* find_protocol(std::string_view name) noexcept {
  const auto* row = std::ranges::find(kTable, name, &ProtocolInfo::name);
  return row == kTable.end() ? nullptr : row;
}

}  // namespace penstock
