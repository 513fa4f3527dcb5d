#include <array>
#include <string>

#include "server/config/checks.h"
#include "server/config/keys.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 3> kAnyKeys = {"to", "balance", "protocol"};
constexpr std::array<std::string_view, 7> kRawKeys = {"framing",       "delimiter",
                                                      "length.bytes",  "length.endian",
                                                      "length.offset", "length.includes_header",
                                                      "frame_bytes"};
constexpr std::array<std::string_view, 6> kForwardKeys = {
    "forward.tag",  "forward.compression",  "forward.ack_timeout", "forward.shared_key_file",
    "forward.user", "forward.password_file"};

void check_forward(Draft& draft, const Sink& sink, const TableSource& source) {
  constexpr std::size_t kMaxNameBytes = 255;
  const RelayForward& forward = sink.relay.forward;
  for (const auto key : kRawKeys)
    source.error_if_given(draft.problems, key, "only protocol = \"raw\" has it");
  for (const std::string_view key : {"encoding", "newlines"})
    source.error_if_given(draft.problems, key,
                          "protocol = \"forward\" has one form of records, MessagePack");
  check_record_template(draft, source, "forward.tag");
  if (forward.user.empty() != forward.password_file.empty()) {
    const std::string_view there = forward.user.empty() ? "forward.password_file" : "forward.user";
    source.error_if_given(draft.problems, there,
                          "user and password_file go together, only one of them is given");
  } else if (!forward.user.empty() && forward.shared_key_file.empty()) {
    source.error_if_given(draft.problems, "forward.user", "only together with shared_key_file");
  }
  if (forward.user.size() > kMaxNameBytes)
    source.error_if_given(draft.problems, "forward.user",
                          "expected at most 255 bytes, got " + std::to_string(forward.user.size()));
}

void check_raw(Draft& draft, Sink& sink, const TableSource& source) {
  RelaySink& relay = sink.relay;
  for (const auto key : kForwardKeys)
    source.error_if_given(draft.problems, key, "only protocol = \"forward\" has it");
  // The record itself goes on: what breaks lines in a file need not break anything here.
  if (!source.has("newlines")) sink.newlines = Newlines::kKeep;
  // Maps tell their own end, and any byte may be in them.
  if (!source.has("framing") && sink.encoding == Encoding::kMsgpack)
    relay.form.framing = SendFraming::kNone;
  if (source.sound("framing"))
    check_framing_parts(to_string(relay.form.framing), source, draft.problems);
}

void check_relay_sink(Draft& draft, Sink& sink, const TableSource& source) {
  RelaySink& relay = sink.relay;
  if (!source.has("to") || (source.sound("to") && relay.to.empty())) {
    source.error(draft.problems, source.place_of("to"), "to",
                 "missing, a relay sink needs the URL of a receiver, such as "
                 "\"tcp://collector:5514\"");
  }
  if (source.sound("balance") && source.sound("to") && relay.to.size() == 1)
    source.warn_if_given(draft.problems, "balance", "no effect: to has one URL");
  if (!source.sound("protocol")) return;
  if (relay.protocol == RelayProtocol::kForward)
    check_forward(draft, sink, source);
  else
    check_raw(draft, sink, source);
}

void refuse_relay_keys(Draft& draft, const TableSource& source) {
  refuse_keys_of("relay", kAnyKeys, source, draft.problems);
  refuse_keys_of("relay", kRawKeys, source, draft.problems);
  refuse_keys_of("relay", kForwardKeys, source, draft.problems);
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
