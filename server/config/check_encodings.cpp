#include <algorithm>

#include "protocols/table.h"
#include "server/config/checks.h"
#include "server/config/keys.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

/// Why the encoding has no form for anything that such a protocol makes; empty: it has.
std::string_view why_not(Encoding encoding, Makes makes) noexcept {
  if (makes == Makes::kBoth) return {};
  switch (encoding) {
    case Encoding::kRaw:
    case Encoding::kJson:
    case Encoding::kMsgpack: return {};
    case Encoding::kInflux:
    case Encoding::kGraphite:
      return makes == Makes::kMetrics ? std::string_view() : "it writes metric points only";
    case Encoding::kSyslog:
      return makes == Makes::kMetrics ? "it writes log records only" : std::string_view();
  }
  return {};
}

void check_pair(const Listener& listener, const TableSource& source, const ProtocolInfo& protocol,
                const Sink& sink, Problems& problems) {
  const std::string_view why = why_not(sink.encoding, protocol.makes);
  if (why.empty() || sink.type == SinkType::kBlackhole) return;
  const std::string_view key = source.has("sinks")      ? "sinks"
                               : source.has("protocol") ? "protocol"
                                                        : std::string_view();
  source.error(problems, source.place_of(key), "sinks",
               "sink " + in_quotes(sink.name) +
                   " with encoding = " + in_quotes(to_string(sink.encoding)) +
                   " cannot take what protocol = " + in_quotes(listener.protocol) +
                   " makes: " + std::string(why));
}

}  // namespace

void check_encodings(Draft& draft) {
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    const Listener& listener = draft.config.listeners[i];
    const ProtocolInfo* protocol = find_protocol(listener.protocol);
    if (protocol == nullptr || !draft.listeners[i].sound("protocol")) continue;
    for (std::size_t j = 0; j < draft.sinks.size(); ++j) {
      const Sink& sink = draft.config.sinks[j];
      const bool used =
          contains(listener.sinks, sink.name) || contains(listener.best_effort_sinks, sink.name);
      if (used && draft.sinks[j].sound("encoding"))
        check_pair(listener, draft.listeners[i], *protocol, sink, draft.problems);
    }
  }
}

}  // namespace penstock::config
