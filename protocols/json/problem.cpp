#include "protocols/json/problem.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "protocols/core/check.h"
#include "protocols/framing/json.h"

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

/// simdjson reads integers into 64 bits; a longer one is JSON nevertheless. Rare, so it may take its time.
bool is_json_with_long_numbers(std::string_view value) {
  using namespace rapidjson;
  Reader reader;
  MemoryStream bytes(value.data(), value.size());
  EncodedInputStream<UTF8<>, MemoryStream> stream(bytes);
  BaseReaderHandler<> nobody;
  return !reader
              .Parse<kParseIterativeFlag | kParseNumbersAsStringsFlag | kParseValidateEncodingFlag>(
                  stream, nobody)
              .IsError();
}

}  // namespace

const char* json_problem(std::string_view value, std::size_t readable) {
  switch (this_threads_parser().parse(value, readable)) {
    case simdjson::SUCCESS: return nullptr;
    case simdjson::NUMBER_ERROR:
      return is_json_with_long_numbers(value) ? nullptr : "invalid JSON: a number is malformed";
    case simdjson::UTF8_ERROR: return "invalid JSON: not UTF-8";
    case simdjson::STRING_ERROR: return "invalid JSON: an escape in a string is malformed";
    case simdjson::UNESCAPED_CHARS: return "invalid JSON: a control character in a string";
    case simdjson::DEPTH_ERROR: return "invalid JSON: nested too deeply";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return "invalid JSON: a word other than true, false, null";
    default: return "invalid JSON: its structure";
  }
}

}  // namespace penstock
