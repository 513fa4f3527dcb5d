#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "protocols/core/check.h"
#include "protocols/core/utf8.h"
#include "server/sinks/msgpack_encoder.h"
#include "server/sinks/msgpack_walk.h"
#include "tests/fuzz/input.h"
#include "tests/support/msgpack_text.h"
#include "tests/support/no_rejects.h"

// Any event as MessagePack: the reader of the protocols gives back the same fields with the same types, encoded_bytes knows
// its length, and MsgpackWalk its end, however the record is cut.
namespace {

using namespace penstock;

constexpr unsigned kMostDepth = 60;

/// Writes the same fields twice: as the event, and as what it must come back as.
class Fields {
 public:
  Fields(fuzz::Input& input, FieldWriter& event, FieldWriter& expected)
      : input_(input), event_(event), expected_(expected) {}

  void entries(unsigned depth, bool named) {
    for (unsigned left = input_.byte() % 24; left != 0; --left) {
      if (named && input_.byte() % 2 == 0) {
        const auto shared =
            static_cast<Field>(1 + input_.byte() % (static_cast<unsigned>(Field::kCount) - 1));
        value(shared, depth);
      } else {
        const std::string own = named ? text() : std::string();
        value(named ? FieldName(std::string_view(own)) : FieldName(Field::kNone), depth);
      }
    }
  }

 private:
  std::string text() {
    std::string out;
    for (unsigned left = input_.byte() % 40; left != 0; --left)
      out += static_cast<char>(input_.byte());
    if (input_.byte() == 0) out.resize(std::size_t{input_.byte()} * 2, 'x');
    return out;
  }

  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned left = input_.byte() % 9; left != 0; --left) out = out << 8 | input_.byte();
    return out;
  }

  template <class Write>
  void both(Write&& write) {
    write(event_);
    write(expected_);
  }

  void value(FieldName name, unsigned depth) {
    switch (input_.byte() % 11) {
      case 0: return both([&](FieldWriter& to) { to.null(name); });
      case 1: {
        const bool value = input_.byte() % 2 != 0;
        return both([&](FieldWriter& to) { to.boolean(name, value); });
      }
      case 2: {
        const auto value = static_cast<std::int64_t>(number());
        return both([&](FieldWriter& to) { to.integer(name, value); });
      }
      case 3: {
        const std::uint64_t value = number();
        return both([&](FieldWriter& to) { to.unsigned_integer(name, value); });
      }
      case 4: {
        const auto value = std::bit_cast<double>(number());
        return both([&](FieldWriter& to) { to.real(name, value); });
      }
      case 5: {  // the reader wants the whole seconds to fit into 64 bits as well
        const auto value = static_cast<std::int64_t>(number()) / 2;
        return both([&](FieldWriter& to) { to.time(name, value); });
      }
      case 6: {
        const std::string digits = std::to_string(number());
        event_.number(name, digits);
        return expected_.string(name, digits);
      }
      case 7: {
        const std::string value = text();
        event_.string(name, value);
        return is_utf8(value) ? expected_.string(name, value) : expected_.bytes(name, value);
      }
      case 8: {
        const std::string value = text();
        return both([&](FieldWriter& to) { to.bytes(name, value); });
      }
      case 9: return nested(name, depth, &FieldWriter::begin_map, true);
      default: return nested(name, depth, &FieldWriter::begin_array, false);
    }
  }

  void nested(FieldName name, unsigned depth, FieldWriter::Open (FieldWriter::*begin)(FieldName),
              bool named) {
    const auto in_event = (event_.*begin)(name), in_expected = (expected_.*begin)(name);
    if (depth < kMostDepth) entries(depth + 1, named);
    event_.end(in_event);
    expected_.end(in_expected);
  }

  fuzz::Input& input_;
  FieldWriter& event_;
  FieldWriter& expected_;
};

void check_walk(std::string_view bytes, fuzz::Cuts cuts) {
  MsgpackWalk walk;
  for (std::size_t at = 0; at < bytes.size();) {
    PENSTOCK_CHECK(walk.whole_bytes() == 0);
    const std::size_t size = std::min(cuts.next() * 7, bytes.size() - at);
    PENSTOCK_CHECK(walk.take(bytes.substr(at, size)));
    at += size;
  }
  PENSTOCK_CHECK(walk.whole_bytes() == static_cast<std::int64_t>(bytes.size()));
}

}  // namespace

// Byte 0: cuts. Then counts, names, types and values, as Fields takes them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Origin kOrigin{"in", "udp://127.0.0.1:1"};
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  FieldBuffer buffer;
  FieldWriter expected(buffer, {}, EventShape::kLog);
  Batch batch;
  batch.block = std::make_shared<Block>(std::size_t{64});
  batch.segments.push_back({.origin = &kOrigin, .time_ns = 1});
  FrameCounts counts;
  test::NoRejects rejects;
  BatchWriter writer(batch, batch.block->data(), counts, rejects);
  FieldWriter written = writer.begin_event("frame", EventShape::kLog);
  Fields(input, written, expected).entries(0, true);
  writer.add_event(written, kFrameWhole, Shape::kOpaque);
  const MsgpackEncoder encoder;
  static EncodeBuffer out;  // a mapping of its own, dear to make for each input
  out.clear();
  const Segment& segment = batch.segments[0];
  PENSTOCK_CHECK(encoder.encode(batch, segment, 0, 1, out) == 1);
  PENSTOCK_CHECK(out.size() == encoder.encoded_bytes(batch, segment, 0));
  const std::string_view bytes(out.data(), out.size());
  const std::vector<std::string> texts = test::msgpack_texts(bytes);
  PENSTOCK_CHECK(texts.size() == 1);
  const std::string fields = test::to_text(Event(buffer.data() + expected.finish(), {})).substr(1);
  const std::string head =
      R"({"time":@1,"listener":"in","url":"udp://127.0.0.1:1","peer":{},"flags":[])";
  PENSTOCK_CHECK(texts[0] == head + (fields == "}" ? "" : ",") + fields);
  check_walk(bytes, cuts);
  return 0;
}
