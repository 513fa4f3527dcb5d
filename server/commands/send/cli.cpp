#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <bit>
#include <cstdint>
#include <map>
#include <string>

#include "server/commands/send/command.h"

namespace penstock {
namespace {

constexpr const char* kDescription =
    "Sends records to a URL: a test client and load generator for tcp, tcp4, tcp6, udp, udp4, "
    "udp6,\n"
    "unix, unixgram and unixpacket. With a URL alone it sends one test record and says what became "
    "of it.";

constexpr const char* kFooter = R"(Records
  Generated records carry a sequence number of 12 digits and are otherwise the same, so that --verify can
  compare byte for byte. Connection c of C sends the numbers first+c, first+c+C, first+c+2C, ...
  A stream ends with our FIN; the peer's FIN in answer means that it has read everything. A FIN of the peer
  before that ends its connection at the next record boundary (stopped_by_peer).

Examples
  penstock send tcp://127.0.0.1:5514                        one test record
  penstock send --count 2M --connections 16 tcp://:5514     load over 16 connections
  penstock send --verify data/syslog/*.log --count 2M       did all of it arrive, once?
  penstock send --rate 1M --segment 64 --count 10M udp://:5514
                                                            a paced sender with UDP_SEGMENT
  tail -F app.log | penstock send --file - unix://./run/in.sock
  penstock send tcp://:5514 --replay quarantine.jsonl --listener syslog --framing octet_counted
                                                            the stop's report has the command that fits

Exit status
  0  all was handed over, every connection ended by FIN from both sides; --verify: the files are right
  1  something was not sent, or not as it is (the framing cannot carry it); a connection was reset or not answered; --verify: lost, doubled, altered, foreign
  2  wrong usage)";

const std::map<std::string, SendFraming> kFramings = {
    {"newline", SendFraming::kNewline},
    {"crlf", SendFraming::kCrlf},
    {"nul", SendFraming::kNul},
    {"octet_counted", SendFraming::kOctetCounted},
    {"syslog_auto", SendFraming::kSyslogAuto},
    {"delimiter", SendFraming::kDelimiter},
    {"length_prefixed", SendFraming::kLengthPrefixed},
    {"varint", SendFraming::kVarint},
    {"fixed", SendFraming::kFixed},
    {"json", SendFraming::kJson},
    {"none", SendFraming::kNone}};
const std::map<std::string, std::uint8_t> kLengthBytes = {{"1", 1}, {"2", 2}, {"4", 4}, {"8", 8}};
const std::map<std::string, std::endian> kEndians = {{"big", std::endian::big},
                                                     {"little", std::endian::little}};
const std::map<std::string, PayloadKind> kPayloads = {{"syslog", PayloadKind::kSyslog},
                                                      {"raw", PayloadKind::kRaw},
                                                      {"json", PayloadKind::kJson},
                                                      {"statsd", PayloadKind::kStatsd}};
const std::map<std::string, double> kSeconds = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};
const std::map<std::string, std::uint64_t> kCounts = {
    {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}};
const std::map<std::string, double> kRates = {{"k", 1e3}, {"M", 1e6}};

/// Takes one of `words` and nothing else. (CLI11's own transformer prints the values in its message, and ours are no text.)
template <class T>
CLI::Validator one_of(const std::map<std::string, T>& words) {
  const auto read = [&words](std::string& text) {
    if (const auto found = words.find(text); found != words.end()) {
      text = std::to_string(static_cast<int>(found->second));
      return std::string();
    }
    std::string message = "expected one of";
    for (const auto& [word, value] : words) message += ' ' + word;
    return message + ", got " + text;
  };
  return {read, ""};
}

void add_framing_options(CLI::App& send, SendOptions& options) {
  send.add_option("--delimiter", options.delimiter,
                  "With --framing delimiter: 1 to 64 bytes, also \\xNN \\n \\r \\t \\0 \\\\")
      ->type_name("TEXT")
      ->group("Records");
  send.add_option("--length-bytes", options.length.bytes,
                  "With --framing length_prefixed: bytes of the length, 1, 2, 4 or 8 (4)")
      ->transform(one_of(kLengthBytes))
      ->type_name("N")
      ->group("Records");
  send.add_option("--length-endian", options.length.order, "... in the order big or little (big)")
      ->transform(one_of(kEndians))
      ->type_name("E")
      ->group("Records");
  send.add_option("--length-offset", options.length.offset,
                  "... behind this many bytes of a header, 0 to 64, sent as 0 (0)")
      ->check(CLI::Range(0, 64).description(""))
      ->type_name("N")
      ->group("Records");
  send.add_flag("--length-includes-header", options.length.includes_header,
                "... and it counts the header too")
      ->group("Records");
  send.add_option("--frame-bytes", options.frame_bytes,
                  "With --framing fixed: bytes of each record (--size)")
      ->type_name("BYTES")
      ->group("Records");
}

void add_record_options(CLI::App& send, SendOptions& options) {
  send.add_option("--count", options.count, "Number of records over all connections (also 10k, 2M)")
      ->transform(CLI::AsNumberWithUnit(kCounts).description(""))
      ->type_name("N")
      ->group("Records");
  send.add_option("--size", options.size_bytes,
                  "Bytes of a generated record, framing not counted (200)")
      ->type_name("BYTES")
      ->group("Records");
  send.add_option("--payload", options.payload,
                  "Generated records are: syslog (RFC 5424), raw, json, statsd (syslog)")
      ->transform(one_of(kPayloads))
      ->type_name("KIND")
      ->group("Records");
  send.add_option("--first", options.first, "Number of the first record (0)")
      ->type_name("N")
      ->group("Records");
  send.add_option("--seed", options.seed, "Varies the padding of generated records (0)")
      ->type_name("N")
      ->group("Records");
  send.add_option("--file", options.file, "Send the lines of FILE, - is standard input")
      ->type_name("FILE")
      ->group("Records");
  send.add_option("--replay", options.replay, "Send the entries of a quarantine file, in order")
      ->type_name("FILE")
      ->group("Records");
  send.add_option("--listener", options.listener,
                  "With --replay: only the entries of this listener (all)")
      ->type_name("NAME")
      ->group("Records");
  send.add_option(
          "--framing", options.framing,
          "newline (default on streams), crlf, nul, octet_counted, syslog_auto (sends "
          "octet counts), delimiter, length_prefixed, varint, fixed, json (a LF behind each "
          "value), none (nothing between records; default elsewhere)")
      ->transform(one_of(kFramings))
      ->type_name("F")
      ->group("Records");
  add_framing_options(send, options);
}

void add_sending_options(CLI::App& send, SendOptions& options) {
  send.add_option(
          "--rate", options.rate,
          "Records a second over all connections, in small bursts (also 50k, 1M); 0: flat out")
      ->transform(CLI::AsNumberWithUnit(kRates).description(""))
      ->type_name("R")
      ->group("Sending");
  send.add_option("--connections", options.connections,
                  "Connections, or datagram sockets that take turns (1)")
      ->type_name("N")
      ->group("Sending");
  send.add_option("--idle", options.idle, "Further connections that stay silent (0)")
      ->type_name("N")
      ->group("Sending");
  send.add_option("--duration", options.duration_seconds,
                  "Stop sending after this time (10, 500ms, 2m); without --count: send until then")
      ->transform(CLI::AsNumberWithUnit(kSeconds).description(""))
      ->type_name("TIME")
      ->group("Sending");
  send.add_option("--timeout", options.timeout_seconds,
                  "Longest wait to connect, and for the peer's FIN after ours (10s)")
      ->transform(CLI::AsNumberWithUnit(kSeconds).description(""))
      ->type_name("TIME")
      ->group("Sending");
  send.add_option("--segment", options.segment,
                  "udp: hand the kernel N datagrams a call to cut up (UDP_SEGMENT), at most 64")
      ->type_name("N")
      ->group("Sending");
  send.add_option("--batch", options.batch,
                  "Datagrams or packets a call (sendmmsg) without --segment (64)")
      ->type_name("N")
      ->group("Sending");
}

void add_multicast_options(CLI::App& send, SendOptions& options) {
  send.add_option("--interface", options.interface,
                  "Send from this interface (by the system's route)")
      ->type_name("NAME")
      ->group("Sending to a multicast group");
  send.add_option("--ttl", options.ttl, "Hops that datagrams live, from 1 to 255 (1)")
      ->type_name("N")
      ->group("Sending to a multicast group");
}

void add_result_options(CLI::App& send, SendOptions& options) {
  send.add_option("--verify", options.verify,
                  "Send nothing: compare FILEs (- is standard input) with what --count, --size, "
                  "--payload, --first and "
                  "--seed would have sent")
      ->type_name("FILE...")
      ->group("Results");
  send.add_option("--expect", options.expect,
                  "With --verify: the records that this --report lists as sent must be there")
      ->type_name("FILE")
      ->group("Results");
  send.add_option("--report", options.report, "Write what each connection sent to FILE, as JSON")
      ->type_name("FILE")
      ->group("Results");
  send.add_flag("--json", options.json, "Print the summary as one line of JSON")->group("Results");
  send.add_flag("--quiet", options.quiet, "Print errors only")->group("Results");
}

}  // namespace

CLI::App* add_send_command(CLI::App& app, SendOptions& options) {
  CLI::App* send =
      app.add_subcommand("send", "Send test records, files or load to a URL; verify what arrived");
  send->description(kDescription);
  send->footer(kFooter);
  send->add_option("URL", options.url,
                   "Where to send: tcp://127.0.0.1:5514, unix:///run/x.sock, ...");
  add_record_options(*send, options);
  add_sending_options(*send, options);
  add_multicast_options(*send, options);
  add_result_options(*send, options);
  return send;
}

}  // namespace penstock
