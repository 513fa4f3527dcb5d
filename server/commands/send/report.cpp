#include "server/commands/send/report.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

namespace penstock {
namespace {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;
using Fields = std::vector<std::pair<const char*, std::uint64_t>>;

void text_member(JsonWriter& writer, const char* key, std::string_view value) {
  writer.Key(key);
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void number_member(JsonWriter& writer, const char* key, std::uint64_t value) {
  writer.Key(key);
  writer.Uint64(value);
}

double rate_of(const SendResult& result, std::uint64_t sent) noexcept {
  return result.seconds > 0 ? std::round(static_cast<double>(sent) / result.seconds) : 0;
}

// What follows sent, bytes, seconds and rate, in text and JSON alike.
Fields ends(const SendResult& result, const SendSummary& summary) {
  const SendTotals sum = totals(result);
  Fields fields = {{"peer_eof", sum.peer_eof},
                   {"reset", sum.reset},
                   {"timed_out", sum.timed_out},
                   {"not_connected", sum.not_connected},
                   {"stopped_by_peer", sum.stopped_by_peer},
                   {"unacknowledged_bytes", sum.unacknowledged_bytes},
                   {"failed", sum.failed},
                   {"retries", result.retries},
                   {"refused", result.refused},
                   {"too_long", result.too_long},
                   {"bad_lines", summary.bad_lines},
                   {"holding_delimiter", summary.holding_delimiter}};
  if (summary.planned)
    fields.insert(fields.begin() + 5,
                  {"unsent", *summary.planned - std::min(*summary.planned, sum.sent)});
  return fields;
}

Fields verify_fields(const VerifyResult& result) {
  return {{"lines", result.lines},
          {"right", result.right},
          {"lost", result.lost},
          {"doubled", result.doubled},
          {"altered", result.altered},
          {"foreign", result.foreign},
          {"unexpected", result.unexpected},
          {"unterminated", result.unterminated}};
}

void connection_object(JsonWriter& writer, const Deal& deal, bool numbered, std::size_t c,
                       const ConnectionResult& connection) {
  writer.StartObject();
  number_member(writer, "id", c);
  writer.Key("idle");
  writer.Bool(connection.idle);
  number_member(writer, "sent", connection.sent);
  number_member(writer, "sent_at_fin", connection.sent_at_fin);
  if (numbered && connection.sent > 0) {
    number_member(writer, "first_sequence", deal.sequence(c, 0));
    number_member(writer, "last_sequence", deal.sequence(c, connection.sent - 1));
  }
  number_member(writer, "bytes", connection.bytes);
  text_member(writer, "end", to_string(connection.end));
  writer.Key("stopped_by_peer");
  writer.Bool(connection.stopped_by_peer);
  number_member(writer, "unacknowledged_bytes", connection.unacknowledged_bytes);
  writer.EndObject();
}

std::string line_of(const rapidjson::StringBuffer& buffer) {
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Result<std::uint64_t> number_of(const rapidjson::Value& object, const char* key) {
  if (!object.IsObject()) return fail(0, "report: no JSON object");
  const auto found = object.FindMember(key);
  if (found == object.MemberEnd() || !found->value.IsUint64())
    return fail(0, "report: no number \"" + std::string(key) + "\"");
  return found->value.GetUint64();
}

}  // namespace

bool all_well(const SendResult& result, const SendSummary& summary) noexcept {
  const SendTotals sum = totals(result);
  const bool all_sent = !summary.planned || sum.sent == *summary.planned;
  return all_sent && !summary.input_left && result.error.empty() && result.refused == 0 &&
         result.too_long == 0 && summary.bad_lines == 0 && summary.holding_delimiter == 0 &&
         sum.stopped_by_peer == 0 &&
         sum.reset + sum.timed_out + sum.not_connected + sum.failed == 0;
}

std::string summary_text(const SendResult& result, const SendSummary& summary) {
  const SendTotals sum = totals(result);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.6f", result.seconds);
  std::string text = "sent=" + std::to_string(sum.sent) + " bytes=" + std::to_string(sum.bytes) +
                     " seconds=" + seconds + " rate=" +
                     std::to_string(static_cast<std::uint64_t>(rate_of(result, sum.sent)));
  for (const auto& [key, value] : ends(result, summary))
    text += " " + std::string(key) + "=" + std::to_string(value);
  return text + "\n";
}

std::string summary_json(const SendOptions& options, const SendResult& result,
                         const SendSummary& summary) {
  const SendTotals sum = totals(result);
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  text_member(writer, "url", options.url);
  number_member(writer, "sent", sum.sent);
  number_member(writer, "bytes", sum.bytes);
  writer.Key("seconds");
  writer.Double(result.seconds);
  number_member(writer, "rate", static_cast<std::uint64_t>(rate_of(result, sum.sent)));
  for (const auto& [key, value] : ends(result, summary)) number_member(writer, key, value);
  writer.Key("ok");
  writer.Bool(all_well(result, summary));
  if (!result.error.empty()) text_member(writer, "error", result.error);
  writer.EndObject();
  return line_of(buffer);
}

std::string report_json(const SendOptions& options, const Deal& deal, const SendResult& result) {
  const bool numbered = options.generates() && !options.greets();
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  text_member(writer, "url", options.url);
  if (numbered) {
    text_member(writer, "payload", name_of(options.payload));
    number_member(writer, "size", options.size_bytes);
    number_member(writer, "seed", options.seed);
    number_member(writer, "first", deal.first);
  }
  number_member(writer, "senders", deal.connections);
  writer.Key("connections");
  writer.StartArray();
  for (std::size_t c = 0; c < result.connections.size(); ++c) {
    connection_object(writer, deal, numbered && !result.connections[c].idle, c,
                      result.connections[c]);
  }
  writer.EndArray();
  writer.EndObject();
  return line_of(buffer);
}

Result<Expected> parse_report(std::string_view json) {
  rapidjson::Document report;
  report.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (report.HasParseError()) return fail(0, "report: not JSON");
  const Result<std::uint64_t> first = number_of(report, "first");
  if (!first) return tl::unexpected(first.error());
  const Result<std::uint64_t> senders = number_of(report, "senders");
  if (!senders) return tl::unexpected(senders.error());
  const auto list = std::as_const(report).FindMember("connections");
  if (list == std::as_const(report).MemberEnd() || !list->value.IsArray())
    return fail(0, "report: no array \"connections\"");
  if (*first >= kSequenceEnd || *senders < 1 || *senders > list->value.Size())
    return fail(0, "report: impossible numbers");

  Deal deal{*first, 0, static_cast<std::size_t>(*senders)};
  std::vector<std::uint64_t> sent;
  for (rapidjson::SizeType c = 0; c < deal.connections; ++c) {
    const Result<std::uint64_t> one = number_of(list->value[c], "sent");
    if (!one) return tl::unexpected(one.error());
    if (*one > kSequenceEnd / deal.connections) return fail(0, "report: impossible numbers");
    sent.push_back(*one);
    if (*one > 0) deal.count = std::max(deal.count, deal.sequence(c, *one - 1) - deal.first + 1);
  }
  NumberSet numbers(deal.count);
  for (std::size_t c = 0; c < sent.size(); ++c) {
    for (std::uint64_t nth = 0; nth < sent[c]; ++nth)
      numbers.add(deal.sequence(c, nth) - deal.first);
  }
  return Expected{deal, std::move(numbers)};
}

std::string verify_text(const VerifyResult& result) {
  std::string text;
  for (const auto& [key, value] : verify_fields(result)) {
    text += (text.empty() ? "" : " ") + std::string(key) + "=" + std::to_string(value);
  }
  return text + "\n";
}

std::string verify_json(const VerifyResult& result) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  for (const auto& [key, value] : verify_fields(result)) number_member(writer, key, value);
  writer.Key("ok");
  writer.Bool(result.good());
  writer.EndObject();
  return line_of(buffer);
}

}  // namespace penstock
