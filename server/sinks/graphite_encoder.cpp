#include "server/sinks/graphite_encoder.h"

#include <cmath>

namespace penstock {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

/// Every byte that would end the path, or what `special` has, is `_`.
void append_clean(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool bad = byte <= ' ' || byte == 0x7f || special.find(c) != std::string_view::npos;
    out += bad ? '_' : c;
  }
}

void append_tags(std::string& out, const Event& event) {
  const auto tags = event.find(Field::kTags);
  if (!tags || tags->type != FieldType::kMap) return;
  FieldReader reader = tags->children;
  for (FieldEntry tag; reader.next(tag);) {
    std::string value(tag.value.text);
    if (tag.value.type == FieldType::kBool) value = tag.value.boolean ? "true" : "false";
    if (value.empty()) append_numeric(value, tag.value);
    if (tag.name.empty() || value.empty()) continue;
    out += ';';
    append_clean(out, tag.name, ";!^=");
    out += '=';
    append_clean(out, value, ";~");
  }
}

class Lines {
 public:
  Lines(const Event& event, std::int64_t received_ns, std::string& out) : out_(out) {
    const auto time = event.find(Field::kTimestamp);
    seconds_ =
        (time && time->type == FieldType::kTime ? time->integer : received_ns) / kNanosPerSecond;
    append_tags(tags_, event);
  }

  void line(std::string_view name, std::string_view field, const FieldValue& value) {
    if (value.type == FieldType::kDouble && !std::isfinite(value.real)) return;
    const std::size_t begin = out_.size();
    append_clean(out_, name, ";");
    if (!field.empty()) {
      out_ += '.';
      append_clean(out_, field, ";");
    }
    out_ += tags_;
    out_ += ' ';
    if (!append_numeric(out_, value)) return out_.resize(begin);
    out_ += ' ';
    append_number(out_, seconds_);
    out_ += '\n';
  }

 private:
  std::string& out_;
  std::string tags_;
  std::int64_t seconds_ = 0;
};

void append_point(std::string& out, const Event& event, std::int64_t received_ns) {
  const auto name = event.find(Field::kName);
  if (event.shape() != EventShape::kMetric || !name || name->text.empty()) return;
  Lines lines(event, received_ns, out);
  if (const auto fields = event.find(Field::kFields); fields && fields->type == FieldType::kMap) {
    FieldReader reader = fields->children;
    for (FieldEntry field; reader.next(field);) lines.line(name->text, field.name, field.value);
  }
  const auto value = event.find(Field::kValue);
  if (!value) return;
  if (value->type != FieldType::kArray) return lines.line(name->text, {}, *value);
  FieldReader reader = value->children;
  for (FieldEntry one; reader.next(one);) lines.line(name->text, {}, one.value);
}

}  // namespace

bool GraphiteEncoder::encodes(const Batch& batch, std::size_t frame) const {
  std::string lines;
  if (const auto event = batch.event(frame)) append_point(lines, *event, 0);
  return !lines.empty();
}

void GraphiteEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                            std::string& out) const {
  if (const auto event = batch.event(frame)) append_point(out, *event, segment.time_ns);
}

}  // namespace penstock
