#include "protocols/json/problem.h"

#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <string>

#include "protocols/core/check.h"
#include "protocols/framing/json.h"
#include "protocols/json/unescape.h"

namespace penstock {
namespace {

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

class Parser {
 public:
  simdjson::error_code parse(std::string_view value, std::size_t readable) {
    if (value.size() > capacity_) reserve(std::bit_ceil(std::max(value.size(), kLeastBytes)));
    const char* bytes = value.data();
    if (readable < kJsonPadding) {
      std::memcpy(padded_.get(), bytes, value.size());
      bytes = padded_.get();
    }
    const auto error = parser_.parse(bytes, value.size(), false).error();
    if (capacity_ > kKeptBytes) release();
    return error;
  }

 private:
  static constexpr std::size_t kLeastBytes = std::size_t{16} << 10;
  static constexpr std::size_t kKeptBytes = std::size_t{1} << 20;
  // Deeper than the framer lets through, so that the limit has one place.
  static constexpr std::size_t kDepth = JsonFramer::kMaxDepth + 2;

  void reserve(std::size_t bytes) {
    PENSTOCK_CHECK(parser_.allocate(bytes, kDepth) == simdjson::SUCCESS);
    PENSTOCK_CHECK(parser_.doc.allocate(bytes) == simdjson::SUCCESS);
    padded_ = std::make_unique<char[]>(bytes + kJsonPadding);
    capacity_ = bytes;
  }
  void release() {
    parser_ = simdjson::dom::parser();
    padded_.reset();
    capacity_ = 0;
  }

  simdjson::dom::parser parser_;
  std::unique_ptr<char[]> padded_;
  std::size_t capacity_ = 0;
};

// A connection's own would cost each of thousands what one at a time needs.
Parser& this_threads_parser() {
  thread_local Parser parser;
  return parser;
}

const char* reason_of(rapidjson::ParseErrorCode error) noexcept {
  switch (error) {
    case rapidjson::kParseErrorValueInvalid: return "invalid JSON: no value where one is due";
    case rapidjson::kParseErrorObjectMissName: return "invalid JSON: no name where one is due";
    case rapidjson::kParseErrorObjectMissColon: return "invalid JSON: no `:` behind a name";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return "invalid JSON: neither `,` nor `}` behind a member";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return "invalid JSON: neither `,` nor `]` behind an element";
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return "invalid JSON: something follows the value";
    default: return nullptr;
  }
}

/// simdjson says neither where nor, of the structure, what; and it reads integers into 64 bits, while a longer one is JSON
/// nevertheless: no error then. Rare, so it may take its time.
rapidjson::ParseResult look_closely(std::string_view value) {
  using namespace rapidjson;
  Reader reader;
  MemoryStream bytes(value.data(), value.size());
  EncodedInputStream<UTF8<>, MemoryStream> stream(bytes);
  BaseReaderHandler<> nobody;
  return reader
      .Parse<kParseIterativeFlag | kParseNumbersAsStringsFlag | kParseValidateEncodingFlag>(stream,
                                                                                            nobody);
}

/// What simdjson says more exactly; null where that is nothing.
const char* reason_of(simdjson::error_code error) noexcept {
  switch (error) {
    case simdjson::NUMBER_ERROR: return "invalid JSON: a number is malformed";
    case simdjson::UTF8_ERROR: return "invalid JSON: not UTF-8";
    case simdjson::STRING_ERROR: return "invalid JSON: an escape in a string is malformed";
    case simdjson::UNESCAPED_CHARS: return "invalid JSON: a control character in a string";
    case simdjson::DEPTH_ERROR: return "invalid JSON: nested too deeply";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return "invalid JSON: a word other than true, false, null";
    default: return nullptr;
  }
}

}  // namespace

Problem json_problem(std::string_view value, std::size_t readable) {
  const simdjson::error_code error = this_threads_parser().parse(value, readable);
  if (error == simdjson::SUCCESS) return {};
  const rapidjson::ParseResult closely = look_closely(value);
  // RapidJSON passes over the second half of a pair that stands alone.
  if (error == simdjson::STRING_ERROR ||
      closely.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid) {
    const std::string mended = mend_surrogates(value);
    if (mended != value) return json_problem(mended);
  }
  if (error == simdjson::NUMBER_ERROR && !closely.IsError()) return {};
  Problem problem{.why = reason_of(error)};
  if (problem.why == nullptr && closely.IsError()) problem.why = reason_of(closely.Code());
  if (problem.why == nullptr) problem.why = "invalid JSON: its structure";
  if (closely.IsError()) problem.at = closely.Offset();
  return problem;
}

}  // namespace penstock
