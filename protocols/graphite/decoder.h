#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// The `graphite` protocol: carbon's plaintext, a metric a line (see graphite::parse_graphite). Framing as the listener
/// says; by default lines, in datagrams too. Events are metric points. A line that is none, or that max_frame_bytes cuts
/// off, is `unparsed`.
std::unique_ptr<Decoder> make_graphite_decoder(const FramingOptions& framing);

/// The `graphite_pickle` protocol: what carbon's relays and aggregators send each other, on streams only. A length of four
/// bytes, big endian, then a pickle of many metrics, read without executing anything (see graphite::PickleReader). Each
/// metric becomes an event whose frame is the line of plaintext that says the same, `path value time`; one whose line
/// would be none (NaN, a blank in its path) is `unparsed`.
///
/// A frame that is no pickle of metrics is `unparsed` as a whole. Of `framing` only max_frame_bytes, oversize, tail and
/// unparsed count.
std::unique_ptr<Decoder> make_graphite_pickle_decoder(const FramingOptions& framing);

/// The `opentsdb` protocol: OpenTSDB's lines ("Telnet Style API"), `put` of them as events (see graphite::parse_put).
/// `version`, `stats`, `help` and `exit` are answered, for clients that wait for it, and counted as framing; FIN follows
/// `exit`. Any other line is `unparsed`.
std::unique_ptr<Decoder> make_opentsdb_decoder(const FramingOptions& framing);

}  // namespace penstock
