#include "protocols/forward/message.h"

#include "protocols/forward/values.h"
#include "protocols/msgpack/token.h"

namespace penstock::forward {
namespace {

using msgpack::first_token;
using msgpack::Kind;
using msgpack::Token;

bool is_text(Kind kind) noexcept { return kind == Kind::kString || kind == Kind::kBytes; }

class MessageParser {
 public:
  MessageParser(std::string_view bytes, const msgpack::ValueScan& scan, Message& message) noexcept
      : bytes_(bytes), scan_(scan), message_(message), outer_(first_token(bytes)) {}

  Problem run() {
    if (outer_.kind == Kind::kNil) return {};
    if (bytes_.front() == '[' || bytes_.front() == '{')
      return at(0, "JSON: only MessagePack is taken");
    if (outer_.kind != Kind::kArray) return at(0, "a message is neither an array nor nil");
    if (outer_.size == 0) return {};
    if (outer_.size < 2 || outer_.size > 4) return at(0, "a message has two to four elements");
    message_.tag_value = child(0);
    message_.tag = text_of(message_.tag_value);
    if (!is_text(first_token(message_.tag_value).kind)) return at(scan_.child(0), "no tag");
    if (message_.tag.size() > kMaxTagBytes)
      return at(scan_.child(0), "the tag is longer than 1024 bytes");
    return body();
  }

 private:
  std::string_view child(unsigned i) const noexcept {
    const std::size_t begin = scan_.child(i);
    const std::size_t end = i + 1 < outer_.size ? scan_.child(i + 1) : bytes_.size();
    return bytes_.substr(begin, end - begin);
  }
  static Problem at(std::size_t place, const char* why) noexcept { return {why, place}; }

  Problem body() {
    const std::string_view second = child(1);
    const Token token = first_token(second);
    if (is_text(token.kind)) {
      message_.mode = Mode::kPacked;
      message_.entries = second.substr(token.head_bytes);
      return option(2);
    }
    if (token.kind == Kind::kArray && !is_single(second, token)) {
      message_.mode = Mode::kForward;
      message_.entries = second.substr(token.head_bytes);
      return option(2);
    }
    if (outer_.size < 3) return at(scan_.child(1), "a time without a record");
    message_.mode = Mode::kMessage;
    const std::size_t end = outer_.size > 3 ? scan_.child(3) : bytes_.size();
    message_.entries = bytes_.substr(scan_.child(1), end - scan_.child(1));
    return option(3);
  }

  /// A time of version 1.5, `[time, {metadata}]`, where Forward mode has an array of entries.
  bool is_single(std::string_view second, const Token& token) const noexcept {
    if (token.size != 2 || outer_.size < 3) return false;
    return first_token(second.substr(token.head_bytes)).kind != Kind::kArray;
  }

  Problem option(unsigned i) {
    if (i >= outer_.size) return {};
    if (i + 1 < outer_.size) return at(scan_.child(i + 1), "an element behind the option");
    message_.has_option = true;
    const std::string_view value = child(i);
    const Token token = first_token(value);
    if (token.kind == Kind::kNil) return {};
    if (token.kind != Kind::kMap) return at(scan_.child(i), "the option is no map");
    std::string_view rest = value.substr(token.head_bytes);
    for (std::uint32_t left = token.size; left != 0; --left) {
      const std::string_view key = text_of(take_value(rest));
      if (const char* why = pair(key, take_value(rest))) return at(scan_.child(i), why);
    }
    return {};
  }

  /// One pair of the option; what is not known is passed over.
  const char* pair(std::string_view key, std::string_view value) {
    const Token token = first_token(value);
    if (token.kind == Kind::kNil) return nullptr;
    if (key == "chunk") {
      if (!is_text(token.kind)) return "the chunk's id is no text";
      if (token.size > kMaxChunkBytes) return "the chunk's id is longer than 1024 bytes";
      message_.chunk = value;
    } else if (key == "compressed") {
      return compressed(text_of(value));
    } else if (key == "fluent_signal") {
      if (token.kind != Kind::kUnsigned || token.number != 0)
        return "metrics or traces of Fluent Bit, which are no records";
    }
    return nullptr;
  }

  const char* compressed(std::string_view coding) {
    if (message_.mode != Mode::kPacked || coding.empty() || coding == "text") return nullptr;
    if (coding != "gzip" && coding != "zstd") return "compressed in a way that is not known";
    message_.mode = coding == "gzip" ? Mode::kGzip : Mode::kZstd;
    return nullptr;
  }

  const std::string_view bytes_;
  const msgpack::ValueScan& scan_;
  Message& message_;
  const Token outer_;
};

}  // namespace

Problem parse_message(std::string_view bytes, const msgpack::ValueScan& scan, Message& message) {
  return MessageParser(bytes, scan, message).run();
}

}  // namespace penstock::forward
