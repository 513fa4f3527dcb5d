#include "server/sinks/http/http_answer.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "protocols/core/utf8.h"

namespace penstock {
namespace {

constexpr std::size_t kMostAnswerBytes = 500;  // of what is kept of a server's words
constexpr std::int64_t kBadRequest = 400, kConflict = 409, kTooLarge = 413, kUnprocessable = 422,
                       kUnavailable = 503;

bool is_taken(std::int64_t status) noexcept { return status >= 200 && status < 300; }

/// What was sent is the reason, and nothing else that may change.
bool is_about_content(std::int64_t status) noexcept {
  return status == kBadRequest || status == kTooLarge || status == kUnprocessable;
}

std::string words(std::string_view answer) {
  while (!answer.empty() &&
         (answer.back() == '\n' || answer.back() == '\r' || answer.back() == ' '))
    answer.remove_suffix(1);
  return with_replacements(answer.substr(0, kMostAnswerBytes));
}

/// Of one item: `{"create":{"_index":"logs","status":400,"error":{...}}}`. False where it has not that form.
bool read_item(simdjson::dom::element item, std::size_t index, HttpVerdict& verdict) {
  simdjson::dom::object actions;
  if (item.get(actions) != simdjson::SUCCESS || actions.size() != 1) return false;
  const simdjson::dom::element result = (*actions.begin()).value;
  std::int64_t status = 0;
  if (result["status"].get(status) != simdjson::SUCCESS) return false;
  if (is_taken(status)) return true;
  simdjson::dom::element error;
  std::string why = "status " + std::to_string(status);
  if (result["error"].get(error) == simdjson::SUCCESS) why += ": " + words(simdjson::minify(error));
  const bool refused = is_about_content(status) || status == kConflict;
  verdict.records.push_back({index, refused, std::move(why)});
  return true;
}

/// An answer to _bulk that is not what the Bulk API gives comes from something else in between: it took nothing.
HttpVerdict judge_bulk(std::string_view answer, std::size_t records) {
  HttpVerdict verdict{.kind = HttpVerdict::Kind::kMixed};
  const HttpVerdict strange{.kind = HttpVerdict::Kind::kAgain,
                            .answer = "no answer of the Bulk API: " + words(answer)};
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array items;
  if (parser.parse(answer.data(), answer.size()).get(root) != simdjson::SUCCESS ||
      root["items"].get(items) != simdjson::SUCCESS)
    return strange;
  std::size_t index = 0;
  for (const simdjson::dom::element item : items) {
    if (!read_item(item, index++, verdict)) return strange;
  }
  if (index != records) return strange;
  if (verdict.records.empty()) verdict.kind = HttpVerdict::Kind::kTaken;
  return verdict;
}

/// `{"text":"Invalid data format","code":6,"invalid-event-number":3}` (Splunk's "Possible error codes" of HEC).
struct SplunkAnswer {
  std::uint64_t code = 0;
  std::optional<std::uint64_t> event;  ///< the number
};

SplunkAnswer read_splunk(std::string_view text) {
  SplunkAnswer answer;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::uint64_t number = 0;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS ||
      root["code"].get(answer.code) != simdjson::SUCCESS)
    return {};
  if (root["invalid-event-number"].get(number) == simdjson::SUCCESS) answer.event = number;
  return answer;
}

constexpr std::uint64_t kServerIsBusy = 9;

/// Invalid data format, Event field is required, Event field cannot be blank, Error in handling indexed fields. All others
/// are about tokens, channels and indexes.
bool is_about_event(std::uint64_t code) noexcept {
  return code == 6 || code == 12 || code == 13 || code == 15;
}

/// Events go in one by one until there is trouble. A bad one has its index, from 0. Of others the number may be one more,
/// since an event that was read counts already: `"code":7,"invalid-event-number":1` is said of a single event.
HttpVerdict judge_splunk(long status, std::string_view text, std::string said,
                         std::size_t records) {
  HttpVerdict verdict{.kind = HttpVerdict::Kind::kAgain, .answer = std::move(said)};
  const SplunkAnswer answer = read_splunk(text);
  const bool has_number = answer.event && *answer.event < records;
  if (status == kUnavailable && answer.code == kServerIsBusy && has_number) {
    verdict.taken = static_cast<std::size_t>(std::max<std::uint64_t>(*answer.event, 1) - 1);
  } else if (status == kBadRequest && is_about_event(answer.code)) {
    verdict.kind = has_number ? HttpVerdict::Kind::kFirstRefused : HttpVerdict::Kind::kRefused;
    if (has_number) verdict.taken = static_cast<std::size_t>(*answer.event);
  } else if (status != kBadRequest && is_about_content(status)) {
    verdict.kind = HttpVerdict::Kind::kRefused;
  }
  return verdict;
}

/// ClickHouse's codes of what is wrong with a row (src/Common/ErrorCodes.cpp): CANNOT_PARSE_TEXT, those of
/// isParseError() for JSON, and the last three, of rows that a column or a constraint does not take.
constexpr std::array kFaultsOfRows = {
    6,    // CANNOT_PARSE_TEXT
    25,   // CANNOT_PARSE_ESCAPE_SEQUENCE
    26,   // CANNOT_PARSE_QUOTED_STRING
    27,   // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,   // CANNOT_READ_ALL_DATA
    38,   // CANNOT_PARSE_DATE
    41,   // CANNOT_PARSE_DATETIME
    69,   // ARGUMENT_OUT_OF_BOUND
    72,   // CANNOT_PARSE_NUMBER
    117,  // INCORRECT_DATA
    130,  // CANNOT_READ_ARRAY_FROM_TEXT
    131,  // TOO_LARGE_STRING_SIZE
    376,  // CANNOT_PARSE_UUID
    441,  // CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
    467,  // CANNOT_PARSE_BOOL
    563,  // CANNOT_READ_MAP_FROM_TEXT
    632,  // UNEXPECTED_DATA_AFTER_PARSED_VALUE
    675,  // CANNOT_PARSE_IPV4
    676,  // CANNOT_PARSE_IPV6
    691,  // UNKNOWN_ELEMENT_OF_ENUM
    321,  // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    349,  // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    469,  // VIOLATED_CONSTRAINT
};

/// UNKNOWN_ELEMENT_OF_ENUM before there was that code: LOGICAL_ERROR, then BAD_ARGUMENTS, both of much else as well.
bool is_about_enum(int code, std::string_view answer) noexcept {
  return (code == 36 || code == 49) && answer.find("Unknown element '") != std::string_view::npos;
}

/// Of `Code: 27. DB::Exception: Cannot parse input`; what does not begin so is not ClickHouse's own. The status says less:
/// it is 400 of a misspelt table, and 500 of a text that is too long for its column.
std::optional<bool> is_fault_of_row(std::string_view answer) noexcept {
  constexpr std::string_view kStart = "Code: ";
  int code = 0;
  if (!answer.starts_with(kStart)) return {};
  const auto read =
      std::from_chars(answer.data() + kStart.size(), answer.data() + answer.size(), code);
  if (read.ec != std::errc()) return {};
  return std::find(kFaultsOfRows.begin(), kFaultsOfRows.end(), code) != kFaultsOfRows.end() ||
         is_about_enum(code, answer);
}

HttpVerdict judge_clickhouse(long status, std::string_view answer, std::string said) {
  const bool refused = is_fault_of_row(answer).value_or(is_about_content(status));
  return {.kind = refused ? HttpVerdict::Kind::kRefused : HttpVerdict::Kind::kAgain,
          .answer = std::move(said)};
}

}  // namespace

HttpVerdict judge(config::HttpPreset preset, long status, std::string_view answer,
                  std::size_t records) {
  if (is_taken(status)) {
    return preset == config::HttpPreset::kElasticsearch ? judge_bulk(answer, records)
                                                        : HttpVerdict{};
  }
  const std::string said = "status " + std::to_string(status) +
                           (words(answer).empty() ? std::string() : ": " + words(answer));
  if (preset == config::HttpPreset::kSplunk) return judge_splunk(status, answer, said, records);
  if (preset == config::HttpPreset::kClickhouse) return judge_clickhouse(status, answer, said);
  return {
      .kind = is_about_content(status) ? HttpVerdict::Kind::kRefused : HttpVerdict::Kind::kAgain,
      .answer = said};
}

}  // namespace penstock
