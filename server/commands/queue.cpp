#include "server/commands/queue.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "protocols/core/utc_text.h"
#include "server/exit_status.h"
#include "server/files/file_ops.h"
#include "server/pipeline/quarantine_format.h"
#include "server/queue/inspect.h"

namespace penstock {
namespace {

using Action = QueueCommandOptions::Action;

unsigned long long number(std::uint64_t value) { return value; }

/// What a batch has from record `from` on, a line each.
void dump_batch(const StoredBatch& stored, std::uint64_t from) {
  const Batch& batch = stored.batch;
  // Damaged ones are not among the frames: then the whole batch is shown, rather than too little.
  const std::uint64_t skip =
      stored.damaged == 0 && from > stored.first_record ? from - stored.first_record : 0;
  std::string lines;
  for (const Segment& segment : batch.segments) {
    QuarantineEntry entry = entry_for(segment);
    entry.reason = "queued";
    for (std::size_t at = segment.first; at < segment.first + std::size_t{segment.count}; ++at) {
      if (at < skip) continue;
      entry.flags = static_cast<std::uint8_t>(batch.frames[at].flags);
      entry.bytes = batch.bytes(batch.frames[at]);
      append_line(lines, entry);
    }
  }
  std::fwrite(lines.data(), 1, lines.size(), stdout);
}

void print_stat(const QueueCommandOptions& options, const QueueReport& report,
                std::int64_t oldest_ns) {
  std::uint64_t bytes = 0, damaged = 0, missing = 0;
  for (const SegmentReport& segment : report.segments) {
    bytes += segment.file_bytes;
    damaged += segment.damaged;
    missing += segment.missing;
  }
  std::printf("queue     %s%s\n", options.directory.c_str(),
              report.in_use ? "  (a server has it open)" : "");
  std::printf("waiting   %llu records\n", number(report.waiting()));
  if (oldest_ns != 0) std::printf("oldest    %s\n", utc_text(oldest_ns).c_str());
  std::printf("delivered up to record %llu%s\n", number(report.checkpoint.delivered - 1),
              report.checkpoint_found ? "" : "  (there is no checkpoint)");
  std::printf("segments  %zu, %llu bytes\n", report.segments.size(), number(bytes));
  if (damaged + missing != 0)
    std::printf("damaged   %llu records, missing %llu\n", number(damaged), number(missing));
}

void print_check(const QueueReport& report) {
  for (const SegmentReport& segment : report.segments) {
    if (!segment.problem.empty()) {
      std::printf("%s  %s\n", segment.name.c_str(), segment.problem.c_str());
      continue;
    }
    std::printf("%s  %s  records %llu to %llu in %llu batches, %llu of %llu bytes",
                segment.name.c_str(),
                segment.damaged + segment.missing == 0 ? "ok     " : "DAMAGED",
                number(segment.first_record), number(segment.end_record - 1),
                number(segment.batches), number(segment.used_bytes), number(segment.file_bytes));
    if (segment.damaged != 0) std::printf(", %llu damaged", number(segment.damaged));
    if (segment.missing != 0) std::printf(", %llu missing", number(segment.missing));
    std::printf("\n");
  }
  for (const std::string& name : report.set_aside) std::printf("%s  set aside\n", name.c_str());
}

int say_and_fail(const std::string& why) {
  std::fprintf(stderr, "penstock: queue: %s\n", why.c_str());
  return kExitFailed;
}

}  // namespace

CLI::App* add_queue_command(CLI::App& cli, QueueCommandOptions& options) {
  CLI::App* queue = cli.add_subcommand("queue", "look into a sink's queue on disk (queue.path)");
  queue->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Action action) {
    CLI::App* one = queue->add_subcommand(name, help);
    one->add_option("DIR", options.directory, "the queue's directory")->required();
    one->callback([&options, action] { options.action = action; });
    return one;
  };
  add("stat", "how much waits in it", Action::kStat);
  add("check", "read each segment; exit 1 when something is damaged or missing", Action::kCheck);
  add("dump", "print the records that wait, as JSON lines for `penstock send --replay`",
      Action::kDump)
      ->add_flag("--all", options.all, "delivered ones that are still in the files as well");
  return queue;
}

int queue_command(const QueueCommandOptions& options) {
  OriginTable origins;
  std::uint64_t delivered = 1;
  CheckpointFile checkpoint(system_files(), options.directory + "/checkpoint");
  if (checkpoint.open_to_read()) delivered = checkpoint.last().delivered;
  std::int64_t oldest_ns = 0;
  const auto report =
      inspect_queue(system_files(), options.directory, origins, [&](const StoredBatch& stored) {
        if (stored.end_record() <= delivered && !options.all) return;
        if (oldest_ns == 0 && !stored.batch.segments.empty())
          oldest_ns = stored.batch.segments.front().time_ns;
        if (options.action == Action::kDump) dump_batch(stored, options.all ? 0 : delivered);
      });
  if (!report) return say_and_fail(report.error().message);
  if (report->segments.empty() && !report->checkpoint_found)
    return say_and_fail(options.directory + ": no queue, neither segments nor a checkpoint");
  if (options.action == Action::kStat) print_stat(options, *report, oldest_ns);
  if (options.action == Action::kCheck) print_check(*report);
  return report->sound() || options.action != Action::kCheck ? kExitOk : kExitFailed;
}

}  // namespace penstock
