#include "server/commands/send/options.h"

#include <array>

#include "protocols/framed/send_framing.h"
#include "server/commands/send/payload.h"
#include "server/config/value_parsers.h"

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

bool is_binary_length(SendFraming framing) noexcept {
  return framing == SendFraming::kLengthPrefixed || framing == SendFraming::kVarint;
}

// A key of one framing, given or not.
std::string problem_with_part(const SendOptions& options, SendFraming framing,
                              std::string_view option, bool given, bool needed) {
  const bool chosen = options.framing == framing;
  const std::string name(name_of(framing));
  if (given && !chosen) return std::string(option) + " goes with --framing " + name;
  if (chosen && needed && !given) return "--framing " + name + " needs " + std::string(option);
  return {};
}

std::string problem_with_parts(const SendOptions& options) {
  const bool made = options.generates() && !options.greets();
  std::string problem = problem_with_part(options, SendFraming::kDelimiter, "--delimiter",
                                          !options.delimiter.empty(), true);
  if (problem.empty())
    problem = problem_with_part(options, SendFraming::kFixed, "--frame-bytes",
                                options.frame_bytes != 0, !made);
  if (problem.empty())
    problem = problem_with_part(options, SendFraming::kLengthPrefixed, "--length-*",
                                options.length != LengthField{}, false);
  if (problem.empty() && !options.delimiter.empty() && !config::parse_delimiter(options.delimiter))
    problem = "--delimiter: 1 to 64 bytes, with \\xNN, \\n, \\r, \\t, \\0 and \\\\";
  return problem;
}

std::string problem_with_framing(const SendOptions& options, Scheme scheme) {
  if (std::string problem = problem_with_parts(options); !problem.empty()) return problem;
  if (!options.framing) return {};
  const std::string framing = "--framing " + std::string(name_of(*options.framing));
  if (is_binary_length(*options.framing) && !is_stream(scheme))
    return framing + " is for streams: a message has its own length";
  if (!options.generates()) return {};
  if (options.framing == SendFraming::kJson &&
      (options.greets() || options.payload != PayloadKind::kJson))
    return framing + " sends JSON values: give --payload json and --count";
  if (options.greets()) return {};
  const std::string any(options.size_bytes, 'x');
  const FrameForm form = effective_form(options, scheme);
  if ((options.framing == SendFraming::kFixed || is_binary_length(*options.framing)) &&
      !keeps_whole(form, Carrier::kStream, any))
    return framing + " cannot carry a record of " + std::to_string(options.size_bytes) +
           " bytes: --size";
  return {};
}

}  // namespace

std::string_view name_of(SendFraming framing) noexcept {
  constexpr std::array<std::string_view, 11> names = {
      "newline",         "crlf",   "nul",   "octet_counted", "syslog_auto", "delimiter",
      "length_prefixed", "varint", "fixed", "json",          "none"};
  return names[static_cast<std::size_t>(framing)];
}

std::string_view name_of(PayloadKind kind) noexcept {
  constexpr std::array<std::string_view, 4> names = {"syslog", "raw", "json", "statsd"};
  return names[static_cast<std::size_t>(kind)];
}

FrameForm effective_form(const SendOptions& options, Scheme scheme) noexcept {
  FrameForm form(
      options.framing.value_or(is_stream(scheme) ? SendFraming::kNewline : SendFraming::kNone));
  form.delimiter = config::parse_delimiter(options.delimiter).value_or(std::string());
  form.length = options.length;
  form.frame_bytes = options.frame_bytes != 0 ? options.frame_bytes : options.size_bytes;
  return form;
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
  if ((!options.interface.empty() || options.ttl != 0) && !is_udp(scheme))
    return "--interface and --ttl are for multicast: " + std::string(to_string(scheme)) +
           " has none";
  if (options.ttl < 0 || options.ttl > 255) return "--ttl: from 1 to 255";
  if (std::string problem = problem_with_framing(options, scheme); !problem.empty()) return problem;
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
