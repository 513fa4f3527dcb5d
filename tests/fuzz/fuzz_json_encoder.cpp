#include <simdjson.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "protocols/core/check.h"
#include "protocols/core/utf8.h"
#include "server/pipeline/base64.h"
#include "server/sinks/json_encoder.h"
#include "tests/fuzz/input.h"
#include "tests/support/utf8.h"

// Any records of any peer as JSON: every line is what another parser reads as the same record, and encoded_bytes knows
// its length.
namespace {

using namespace penstock;

std::string replaced_by_hand(std::string_view bytes) {
  std::string text;
  for (const test::Utf8Piece& piece : test::utf8_pieces(bytes))
    text += piece.valid ? piece.bytes : kReplacementCharacter;
  return text;
}

Batch batch_of(const Origin& origin, const Peer& peer, std::string_view bytes, fuzz::Cuts cuts,
               std::uint8_t flags) {
  Batch batch;
  batch.block = std::make_shared<Block>(bytes.size() + 1);
  bytes.copy(batch.block->data(), bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(cuts.next() * 3, bytes.size() - at);
    batch.frames.push_back(FrameRef::make(at, size, flags & 3));
    at += size;
  }
  batch.segments.push_back({.origin = &origin,
                            .peer = peer,
                            .time_ns = static_cast<std::int64_t>(bytes.size()) << (flags % 60),
                            .count = static_cast<std::uint32_t>(batch.frames.size())});
  return batch;
}

std::string_view text(simdjson::dom::element line, const char* key) {
  std::string_view value;
  PENSTOCK_CHECK(line[key].get(value) == simdjson::SUCCESS);
  return value;
}

void check_line(std::string_view json, const Peer& peer, const Origin& origin,
                std::string_view record) {
  static simdjson::dom::parser parser;
  simdjson::dom::element line;
  PENSTOCK_CHECK(parser.parse(json.data(), json.size()).get(line) == simdjson::SUCCESS);
  PENSTOCK_CHECK(text(line, "listener") == replaced_by_hand(origin.listener));
  PENSTOCK_CHECK(text(line, "message") == replaced_by_hand(record));
  std::string_view command;
  const bool has_command = line["peer"]["command"].get(command) == simdjson::SUCCESS;
  PENSTOCK_CHECK(has_command == !command_of(peer).empty());
  PENSTOCK_CHECK(command == replaced_by_hand(command_of(peer)));
  std::string_view exact;
  const bool has_exact = line["message_base64"].get(exact) == simdjson::SUCCESS;
  PENSTOCK_CHECK(has_exact == !is_utf8(record));
  if (has_exact) PENSTOCK_CHECK(base64_decode(exact).value() == record);
}

}  // namespace

// Bytes 0 to 3: cuts, flags and time, lengths of the command and of the listener's name; then these, then the records.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t flags = input.byte(), command = input.byte() % 20, name = input.byte() % 40;
  std::string_view rest = input.payload();
  const auto take = [&rest](std::size_t length) {
    const std::string_view taken = rest.substr(0, length);
    rest.remove_prefix(taken.size());
    return taken;
  };
  Peer peer{.kind = Peer::Kind::kUnix, .pid = 7};
  set_command(peer, take(command));
  const Origin origin{std::string(take(name)), "unix:///s"};
  const Batch batch = batch_of(origin, peer, rest, cuts, flags);
  const Segment& segment = batch.segments[0];

  const JsonEncoder encoder;
  static EncodeBuffer buffer;  // a mapping of its own, dear to make for each input
  for (std::size_t at = 0; at < batch.frames.size(); ++at) {
    buffer.clear();
    PENSTOCK_CHECK(encoder.encode(batch, segment, at, at + 1, buffer) == at + 1);
    const std::string_view line(buffer.data(), buffer.size());
    PENSTOCK_CHECK(line.size() == encoder.encoded_bytes(batch, segment, at));
    PENSTOCK_CHECK(line.find('\n') == line.size() - 1);
    check_line(line, peer, origin, batch.bytes(batch.frames[at]));
  }
  return 0;
}
