#include <array>

#include "server/config/checks.h"
#include "server/config/keys.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 9> kRelayKeys = {
    "to",           "balance",       "framing",       "delimiter",
    "length.bytes", "length.endian", "length.offset", "length.includes_header",
    "frame_bytes"};

void check_relay_sink(Draft& draft, Sink& sink, const TableSource& source) {
  RelaySink& relay = sink.relay;
  if (!source.has("to") || (source.sound("to") && relay.to.empty())) {
    source.error(draft.problems, source.place_of("to"), "to",
                 "missing, a relay sink needs the URL of a receiver, such as "
                 "\"tcp://collector:5514\"");
  }
  if (source.sound("balance") && source.sound("to") && relay.to.size() == 1)
    source.warn_if_given(draft.problems, "balance", "no effect: to has one URL");
  // The record itself goes on: what breaks lines in a file need not break anything here.
  if (!source.has("newlines")) sink.newlines = Newlines::kKeep;
  // Maps tell their own end, and any byte may be in them.
  if (!source.has("framing") && sink.encoding == Encoding::kMsgpack)
    relay.form.framing = SendFraming::kNone;
  if (!source.sound("framing")) return;
  check_framing_parts(to_string(relay.form.framing), source, draft.problems);
}

void refuse_relay_keys(Draft& draft, const TableSource& source) {
  for (const auto key : kRelayKeys)
    source.error_if_given(draft.problems, key, "only a sink of type \"relay\" has it");
}

}  // namespace

void check_relay_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    const TableSource& source = draft.sinks[i];
    if (!source.sound("type")) continue;
    if (draft.config.sinks[i].type == SinkType::kRelay)
      check_relay_sink(draft, draft.config.sinks[i], source);
    else
      refuse_relay_keys(draft, source);
  }
}

}  // namespace penstock::config
