#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/commands/top/sample.h"

namespace penstock {

enum class Style : std::uint8_t { kPlain, kDim, kHeader, kGood, kWarn, kBad };

/// A piece of a line; printable text, a byte a column.
struct Span {
  std::string text;
  Style style = Style::kPlain;
};
using Line = std::vector<Span>;

std::string to_text(const Line& line);

enum class PeerSort : std::uint8_t { kRate, kReceiveQueue, kPaused, kIdle, kPeer, kCount };
std::string_view to_string(PeerSort sort) noexcept;

/// What the user has chosen.
struct ViewOptions {
  std::size_t columns = 80;
  std::size_t lines = 24;  ///< 0: as many as there are
  PeerSort sort = PeerSort::kRate;
  std::string filter;  ///< part of a name, peer, URL or command; empty: all
  std::size_t first_peer = 0;
  bool frozen = false;  ///< shown as such
};

/// Two looks at the server; rates are between them.
struct Looks {
  Sample now;
  std::optional<Sample> before;
  double seconds = 1;  ///< between them
  std::vector<PeerSample> peers;
  std::string trouble;  ///< the server does not answer, and why; `now` is what it said last
};

/// The whole screen: server, where bytes wait, listeners, sinks, quarantine, peers. No line is longer than `columns`.
std::vector<Line> view(const Looks& looks, const ViewOptions& options);

/// Where bytes wait, in one sentence; what an operator looks for first.
Line waiting_sentence(const Sample& sample);

}  // namespace penstock
