#include "server/sinks/nats/nats_answer.h"

#include <nats/nats.h>
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace penstock {
namespace {

namespace dom = simdjson::dom;

constexpr std::int64_t kHeaderExceedsMaximum = 10097;  // of nats-server; not in libnats' list

struct ApiError {
  std::int64_t number = 0;
  std::string text;
};

std::optional<ApiError> error_in(const dom::element& answer) {
  dom::element error;
  if (answer["error"].get(error) != simdjson::SUCCESS) return std::nullopt;
  std::int64_t number = -1;
  std::string_view words = "no reason given";
  if (error["err_code"].get(number) != simdjson::SUCCESS) number = -1;
  if (error["description"].get(words) != simdjson::SUCCESS) words = "no reason given";
  return ApiError{number, std::string(words) + " (" + std::to_string(number) + ")"};
}

/// One a thread: it keeps its memory.
dom::parser& json_parser() {
  thread_local dom::parser parser;
  return parser;
}

std::string no_answer_text(std::string_view json) {
  constexpr std::size_t kMostQuoted = 200;
  return "what answered is no JetStream: " + std::string(json.substr(0, kMostQuoted));
}

}  // namespace

NatsAnswer read_nats_answer(std::string_view json) {
  using Kind = NatsAnswer::Kind;
  dom::element answer;
  if (json_parser().parse(json.data(), json.size()).get(answer) != simdjson::SUCCESS)
    return {Kind::kError, no_answer_text(json)};
  if (auto error = error_in(answer)) {
    const bool for_good =
        error->number == JSStreamMessageExceedsMaximumErr || error->number == kHeaderExceedsMaximum;
    return {for_good ? Kind::kRefused : Kind::kError, std::move(error->text)};
  }
  std::uint64_t sequence = 0;
  if (answer["seq"].get(sequence) != simdjson::SUCCESS || sequence == 0)
    return {Kind::kError, no_answer_text(json)};
  bool duplicate = false;
  if (answer["duplicate"].get(duplicate) != simdjson::SUCCESS) duplicate = false;
  return {duplicate ? Kind::kDuplicate : Kind::kStored, {}};
}

std::string why_no_stream(std::string_view json) {
  dom::element answer;
  if (json_parser().parse(json.data(), json.size()).get(answer) != simdjson::SUCCESS)
    return no_answer_text(json);
  auto error = error_in(answer);
  return !error || error->number == JSStreamNameExistErr ? "" : std::move(error->text);
}

}  // namespace penstock
