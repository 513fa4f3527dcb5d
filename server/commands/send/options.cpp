#include "server/commands/send/options.h"

#include <array>

#include "server/commands/send/payload.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxSegments = 64;  // UDP_MAX_SEGMENTS of older kernels
constexpr std::size_t kMaxSegmentBytes =
    65'000;  // one UDP_SEGMENT call, headers of both families allowed for

std::string problem_with_payload(const SendOptions& options) {
  const std::size_t smallest = smallest_payload(options.payload);
  if (options.size_bytes < smallest) {
    return "--size " + std::to_string(options.size_bytes) + ": a " +
           std::string(name_of(options.payload)) + " record has at least " +
           std::to_string(smallest) + " bytes";
  }
  if (options.size_bytes > kLargestPayload) {
    return "--size " + std::to_string(options.size_bytes) + ": at most " +
           std::to_string(kLargestPayload);
  }
  if (options.first >= kSequenceEnd || options.count.value_or(0) > kSequenceEnd - options.first) {
    return "--first and --count: sequence numbers have 12 digits";
  }
  return {};
}

std::string problem_with_segments(const SendOptions& options, Scheme scheme) {
  if (options.segment == 0) return {};
  if (!is_udp(scheme)) return "--segment is for udp";
  if (!options.generates() || options.greets())
    return "--segment needs generated records of one size: give --count or --duration";
  if (options.segment > kMaxSegments) return "--segment: at most " + std::to_string(kMaxSegments);
  if (options.segment * options.size_bytes > kMaxSegmentBytes) {
    return "--segment " + std::to_string(options.segment) + " of " +
           std::to_string(options.size_bytes) + " bytes are more than one call takes: at most " +
           std::to_string(kMaxSegmentBytes / options.size_bytes) + " with this --size";
  }
  return {};
}

}  // namespace

std::string_view name_of(SendFraming framing) noexcept {
  constexpr std::array<std::string_view, 6> names = {"newline",       "crlf",        "nul",
                                                     "octet_counted", "syslog_auto", "none"};
  return names[static_cast<std::size_t>(framing)];
}

std::string_view name_of(PayloadKind kind) noexcept {
  constexpr std::array<std::string_view, 4> names = {"syslog", "raw", "json", "statsd"};
  return names[static_cast<std::size_t>(kind)];
}

SendFraming effective_framing(const SendOptions& options, Scheme scheme) noexcept {
  return options.framing.value_or(is_stream(scheme) ? SendFraming::kNewline : SendFraming::kNone);
}

std::string problem_with(const SendOptions& options, Scheme scheme) {
  if (!options.expect.empty()) return "--expect goes with --verify";
  if (!options.file.empty() && !options.replay.empty()) return "--file or --replay, not both";
  if (!options.listener.empty() && options.replay.empty()) return "--listener goes with --replay";
  if (!options.generates() && options.count)
    return "--count is for generated records: a file is sent whole";
  if (options.connections < 1 || options.connections > 1'000'000)
    return "--connections: from 1 to 1000000";
  if (options.idle > 0 && is_datagram(scheme))
    return "--idle is for connections: " + std::string(to_string(scheme)) + " has none";
  if (!(options.rate >= 0) || options.rate > 1e9)
    return "--rate: from 0 (flat out) to 1e9 records a second";
  if (!(options.duration_seconds >= 0) || options.duration_seconds > 1e7)
    return "--duration: from 0 to 1e7 seconds";
  if (!(options.timeout_seconds > 0) || options.timeout_seconds > 1e7)
    return "--timeout: more than 0, at most 1e7 seconds";
  if (options.batch < 1 || options.batch > 1024) return "--batch: from 1 to 1024";
  if (std::string problem = problem_with_segments(options, scheme); !problem.empty())
    return problem;
  return options.generates() && !options.greets() ? problem_with_payload(options) : std::string();
}

std::string problem_with_verify(const SendOptions& options) {
  if (!options.url.empty()) return "--verify compares files and sends nothing: leave the URL out";
  if (!options.generates())
    return "--verify compares with generated records: leave --file and --replay out";
  if (!options.count && options.expect.empty())
    return "--verify needs the --count that was sent, or its report by --expect";
  return problem_with_payload(options);
}

}  // namespace penstock
