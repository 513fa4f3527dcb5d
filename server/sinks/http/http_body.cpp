#include "server/sinks/http/http_body.h"

#include <array>
#include <charconv>

#include "protocols/core/check.h"
#include "protocols/core/utc_text.h"
#include "server/sinks/json_text.h"
#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

void append_json_text(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.resize(before + most_json_text_bytes(text.size()) + kJsonTextSlack);
  const char* end = write_json_text(text, out.data() + before).end;
  out.resize(static_cast<std::size_t>(end - out.data()));
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_json_text(out, text);
  out += '"';
}

/// `,"key":"text"`; nothing where there is no text.
void append_member_of(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  out += ",\"";
  out += key;
  out += "\":";
  append_quoted(out, text);
}

void append_integer(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::string_view text_of(const std::optional<Event>& event, Field field) noexcept {
  if (!event) return {};
  const auto value = event->find(field);
  return value && value->type == FieldType::kString ? value->text : std::string_view();
}

/// What all have in common: the encoder, and one record in its form.
class EncodedBody : public HttpBody {
 public:
  explicit EncodedBody(const config::Sink& sink) : encoder_(make_encoder(sink)) {}

  std::vector<Undeliverable> unencodable(const Batch& batch) const final {
    return penstock::unencodable(*encoder_, batch);
  }

 protected:
  /// Until the next call.
  std::string_view encoded(const Batch& batch, const Segment& segment, std::size_t frame) {
    buffer_.clear();
    buffer_.shrink();
    encoder_->encode(batch, segment, frame, frame + 1, buffer_);
    return {buffer_.data(), buffer_.size()};
  }
  std::string_view encoded_without_newline(const Batch& batch, const Segment& segment,
                                           std::size_t frame) {
    std::string_view text = encoded(batch, segment, frame);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
  }

 private:
  std::unique_ptr<Encoder> encoder_;
  EncodeBuffer buffer_;
};

class LinesBody final : public EncodedBody {
 public:
  explicit LinesBody(const config::Sink& sink) : EncodedBody(sink), encoding_(sink.encoding) {}

  void append(const Batch& batch, const Segment& segment, std::size_t frame,
              std::string& body) override {
    body += encoded(batch, segment, frame);
  }
  std::string_view content_type() const noexcept override {
    switch (encoding_) {
      case config::Encoding::kJson: return "application/x-ndjson";
      case config::Encoding::kMsgpack: return "application/msgpack";
      default: return "text/plain; charset=utf-8";
    }
  }

 private:
  config::Encoding encoding_;
};

class LokiBody final : public EncodedBody {
 public:
  using EncodedBody::EncodedBody;

  void append(const Batch& batch, const Segment& segment, std::size_t frame,
              std::string& body) override {
    const auto event = batch.event(frame);
    labels_.clear();
    append_member_of(labels_, "listener", segment.origin->listener);
    append_member_of(labels_, "host", text_of(event, Field::kHost));
    append_member_of(labels_, "app", text_of(event, Field::kApp));
    if (body.empty() || labels_ != stream_) {
      body += body.empty() ? R"({"streams":[{"stream":{)" : R"(]},{"stream":{)";
      body.append(labels_, 1);  // without the first comma
      body += R"(},"values":[)";
      stream_ = labels_;
    } else {
      body += ',';
    }
    body += "[\"";
    append_integer(body, distinct_time_ns(segment, frame));
    body += "\",";
    append_quoted(body, encoded_without_newline(batch, segment, frame));
    body += ']';
  }
  void finish(std::string& body) override { body += "]}]}"; }
  std::string_view content_type() const noexcept override { return "application/json"; }

 private:
  std::string labels_, stream_;  // of this record, and of those before it
};

class ElasticsearchBody final : public EncodedBody {
 public:
  explicit ElasticsearchBody(const config::Sink& sink) : EncodedBody(sink) {
    action_ = R"({"create":{)";
    if (!sink.http.target.empty()) {
      action_ += R"("_index":)";
      append_quoted(action_, sink.http.target);
    }
    action_ += "}}\n";
  }

  void append(const Batch& batch, const Segment& segment, std::size_t frame,
              std::string& body) override {
    body += action_;
    std::array<char, kUtcTextBytes> time{};
    write_utc(segment.time_ns, time.data());
    body += R"({"@timestamp":")";
    body.append(time.data(), time.size());
    body += "\",";
    body += encoded(batch, segment, frame).substr(1);
  }
  std::string_view content_type() const noexcept override { return "application/x-ndjson"; }

 private:
  std::string action_;
};

class SplunkBody final : public EncodedBody {
 public:
  explicit SplunkBody(const config::Sink& sink)
      : EncodedBody(sink), json_(sink.encoding == config::Encoding::kJson) {
    append_member_of(index_, "index", sink.http.target);
  }

  void append(const Batch& batch, const Segment& segment, std::size_t frame,
              std::string& body) override {
    const auto event = batch.event(frame);
    append_time(event ? event_time_ns(*event, segment.time_ns) : segment.time_ns, body);
    const std::string_view host = text_of(event, Field::kHost);
    append_member_of(body, "host", host.empty() ? address_text(segment.peer) : std::string(host));
    append_member_of(body, "source", segment.origin->url);
    append_member_of(body, "sourcetype", segment.origin->listener);
    body += index_;
    body += R"(,"event":)";
    const std::string_view record = encoded_without_newline(batch, segment, frame);
    if (json_)
      body += record;
    else
      append_quoted(body, record);
    body += "}\n";
  }
  std::string_view content_type() const noexcept override { return "application/json"; }

 private:
  static void append_time(std::int64_t time_ns, std::string& body) {
    std::array<char, 40> text{};
    const auto whole = time_ns / kNsPerSecond;
    std::snprintf(text.data(), text.size(), R"({"time":%lld.%09lld)", static_cast<long long>(whole),
                  static_cast<long long>(time_ns % kNsPerSecond));
    body += text.data();
  }

  std::string index_;
  bool json_;
};

}  // namespace

std::unique_ptr<HttpBody> make_http_body(const config::Sink& sink) {
  switch (sink.http.preset) {
    case config::HttpPreset::kNone:
    case config::HttpPreset::kClickhouse:
    case config::HttpPreset::kInflux: return std::make_unique<LinesBody>(sink);
    case config::HttpPreset::kLoki: return std::make_unique<LokiBody>(sink);
    case config::HttpPreset::kElasticsearch: return std::make_unique<ElasticsearchBody>(sink);
    case config::HttpPreset::kSplunk: return std::make_unique<SplunkBody>(sink);
  }
  PENSTOCK_CHECK(false);
  return nullptr;
}

}  // namespace penstock
