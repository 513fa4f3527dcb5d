#include "server/commands/send/command.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>

#include "protocols/core/errno_text.h"
#include "server/commands/send/connect.h"
#include "server/commands/send/generated_supply.h"
#include "server/commands/send/greeting.h"
#include "server/commands/send/payload.h"
#include "server/commands/send/reader_supply.h"
#include "server/commands/send/record_reader.h"
#include "server/commands/send/report.h"
#include "server/commands/send/sender.h"
#include "server/commands/send/verify.h"
#include "server/net/kernel.h"

namespace penstock {
namespace {

constexpr int kWell = 0;
constexpr int kNotWell = 1;
constexpr int kUsage = 2;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler sets it

int usage(const std::string& problem) {
  std::fprintf(stderr, "penstock send: %s\nTry 'penstock send --help'.\n", problem.c_str());
  return kUsage;
}

int failure(const std::string& problem) {
  std::fprintf(stderr, "penstock send: %s\n", problem.c_str());
  return kNotWell;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

// ---- verify

Result<std::string> read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(errno, "open " + path + ": " + errno_text(errno));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

int run_verify(const SendOptions& options) {
  if (const std::string problem = problem_with_verify(options); !problem.empty())
    return usage(problem);
  std::uint64_t first = options.first;
  std::uint64_t count = options.count.value_or(0);
  std::optional<NumberSet> numbers;
  if (!options.expect.empty()) {
    const Result<std::string> text = read_whole(options.expect);
    if (!text) return failure(text.error().message);
    Result<Expected> expected = parse_report(*text);
    if (!expected) return failure(options.expect + ": " + expected.error().message);
    first = expected->deal.first;
    count = std::max(count, expected->deal.count);
    numbers = std::move(expected->numbers);
  }
  Verifier verifier(make_payload(options.payload, options.size_bytes, options.seed), first, count);
  if (numbers) verifier.expect_only(std::move(*numbers));
  for (const std::string& path : options.verify) {
    if (const Result<bool> read = verify_file(verifier, path); !read)
      return failure(read.error().message);
  }
  const VerifyResult result = verifier.result();
  if (!options.quiet) {
    for (const std::string& example : result.examples)
      std::fprintf(stderr, "penstock send: %s\n", example.c_str());
    print(options.json ? verify_json(result) : verify_text(result));
  }
  return result.good() ? kWell : kNotWell;
}

// ---- send

// The records to send and all that they lean on.
struct Source {
  std::unique_ptr<RecordReader> reader;
  std::unique_ptr<Supply> supply;
  ReaderSupply* lines = nullptr;  // supply, where a reader is behind it
  Deal deal;
  std::size_t framed_bytes = 0;  // of every record, where they are generated
};

Source generated_source(const SendOptions& options, const FrameForm& form) {
  constexpr std::size_t kFew = 4;
  Source source;
  source.deal = {options.first, options.count.value_or(kSequenceEnd - options.first),
                 options.connections};
  const std::size_t block_bytes = std::size_t{options.connections <= kFew ? 256u : 64u} << 10;
  auto supply = std::make_unique<GeneratedSupply>(
      make_payload(options.payload, options.size_bytes, options.seed), form, source.deal,
      block_bytes);
  source.framed_bytes = supply->framed_bytes();
  source.supply = std::move(supply);
  return source;
}

Result<std::unique_ptr<RecordReader>> open_reader(const SendOptions& options) {
  if (options.greets()) return one_record(greeting());
  return options.replay.empty() ? open_lines(options.file)
                                : open_replay(options.replay, options.listener);
}

Carrier carrier_of(Scheme scheme) noexcept {
  return is_stream(scheme) ? Carrier::kStream : Carrier::kMessages;
}

Result<Source> make_source(const SendOptions& options, Scheme scheme) {
  const FrameForm form = effective_form(options, scheme);
  if (options.generates() && !options.greets()) return generated_source(options, form);
  Result<std::unique_ptr<RecordReader>> reader = open_reader(options);
  if (!reader) return tl::unexpected(reader.error());
  Source source;
  source.deal.connections = options.connections;
  source.reader = std::move(*reader);
  auto supply =
      std::make_unique<ReaderSupply>(*source.reader, form, options.connections, carrier_of(scheme));
  source.lines = supply.get();
  source.supply = std::move(supply);
  return source;
}

SendSummary summarise(const SendOptions& options, const Source& source) {
  SendSummary summary;
  summary.planned = options.count;
  if (source.lines == nullptr) return summary;
  summary.planned = source.lines->read();
  summary.input_left = !source.lines->ended() && options.duration_seconds <= 0;
  summary.bad_lines = source.reader->bad();
  summary.holding_delimiter = source.lines->holding_delimiter();
  return summary;
}

void show_progress(std::uint64_t sent) {
  std::fprintf(stderr, "\r%llu records sent ", static_cast<unsigned long long>(sent));
}

SendPlan make_plan(const SendOptions& options, const Url& url, std::vector<SocketAddress> addresses,
                   const Source& source) {
  SendPlan plan;
  plan.url = url;
  plan.addresses = std::move(addresses);
  plan.connections = options.connections;
  plan.idle = options.idle;
  plan.rate = options.rate;
  plan.duration_ns = static_cast<std::int64_t>(options.duration_seconds * 1e9);
  plan.timeout_ns = static_cast<std::int64_t>(options.timeout_seconds * 1e9);
  plan.batch = options.batch;
  plan.multicast = {.interface = options.interface, .ttl = options.ttl};
  plan.segment = options.segment;
  plan.segment_bytes = source.framed_bytes;
  plan.interrupt = &interrupted;
  if (!options.quiet && ::isatty(STDERR_FILENO) != 0) plan.progress = show_progress;
  return plan;
}

// While it lives, SIGINT and SIGTERM end the sending instead of the process.
class InterruptSignals {
 public:
  InterruptSignals() {
    interrupted.store(false);
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted.store(true, std::memory_order_relaxed); };
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  InterruptSignals(const InterruptSignals&) = delete;
  InterruptSignals& operator=(const InterruptSignals&) = delete;
  ~InterruptSignals() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

// Why records do not arrive as they are, and what would keep them.
std::string not_kept(const FrameForm& form, Scheme scheme) {
  const std::string framing(name_of(form.framing));
  switch (form.framing) {
    case SendFraming::kLengthPrefixed:
      return "are longer than the length of framing " + framing + " can say, and do not arrive";
    case SendFraming::kFixed:
      if (!is_stream(scheme)) break;
      return "do not have the " + std::to_string(form.frame_bytes) + " bytes of framing " +
             framing + ", and do not arrive as they are";
    case SendFraming::kNone:
      if (!is_stream(scheme)) break;
      return "follow another on one connection, and framing none does not tell them apart: "
             "--framing octet_counted keeps them, for listeners that take it";
    case SendFraming::kJson:
      return "are no JSON values, as which framing " + framing + " takes them, and do not arrive";
    default: break;
  }
  return "hold the delimiter of framing " + framing +
         " or end in a part of it, and do not arrive as they are: --framing " +
         (is_stream(scheme) ? "octet_counted keeps them, for listeners that take it"
                            : "crlf keeps them");
}

void print_results(const SendOptions& options, const Url& url, const SendResult& result,
                   const SendSummary& summary) {
  if (!result.error.empty()) failure(result.error);
  if (result.refused > 0) failure(url.text + ": connection refused: nobody listens there");
  if (result.too_long > 0) {
    failure(std::to_string(result.too_long) + " records are longer than a message to " + url.text +
            " can be and were not sent");
  }
  if (summary.holding_delimiter > 0) {
    failure(std::to_string(summary.holding_delimiter) + " records " +
            not_kept(effective_form(options, url.scheme), url.scheme));
  }
  if (options.quiet) return;
  if (options.json) return print(summary_json(options, result, summary));
  if (options.greets() && all_well(result, summary)) return print(greeting_text(url, result));
  print(summary_text(result, summary));
}

bool write_report(const SendOptions& options, const Deal& deal, const SendResult& result) {
  if (options.report.empty()) return true;
  std::ofstream out(options.report, std::ios::binary | std::ios::trunc);
  out << report_json(options, deal, result);
  out.close();
  if (out) return true;
  failure("write " + options.report + ": " + errno_text(errno));
  return false;
}

}  // namespace

int run_send(const SendOptions& options) {
  if (!options.verify.empty()) return run_verify(options);
  if (options.url.empty()) return usage("a URL to send to is needed, such as tcp://127.0.0.1:5514");
  const Result<Url> url = parse_url(options.url);
  if (!url) return usage(url.error().message);
  if (const std::string problem = problem_with(options, url->scheme); !problem.empty())
    return usage(problem);

  Result<std::vector<SocketAddress>> addresses = addresses_to_try(*url);
  if (!addresses) return failure(addresses.error().message);
  Result<Source> source = make_source(options, url->scheme);
  if (!source) return failure(source.error().message);

  kernel::raise_descriptor_limit();
  const InterruptSignals signals;
  const SendPlan plan = make_plan(options, *url, std::move(*addresses), *source);
  const SendResult result = is_datagram(url->scheme) ? send_datagrams(plan, *source->supply)
                                                     : send_by_connections(plan, *source->supply);
  if (plan.progress) std::fputc('\n', stderr);
  const SendSummary summary = summarise(options, *source);
  print_results(options, *url, result, summary);
  const bool reported = write_report(options, source->deal, result);
  return all_well(result, summary) && reported ? kWell : kNotWell;
}

}  // namespace penstock
