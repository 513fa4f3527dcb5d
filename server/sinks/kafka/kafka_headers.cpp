#include "server/sinks/kafka/kafka_headers.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <string_view>

#include "protocols/core/utc_text.h"

namespace penstock {
namespace {

constexpr std::size_t kHeaders = 4;

void add(rd_kafka_headers_t* headers, std::string_view name, std::string_view value) {
  rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                      static_cast<ssize_t>(value.size()));
}

}  // namespace

void FreeKafkaHeaders::operator()(rd_kafka_headers_s* headers) const noexcept {
  rd_kafka_headers_destroy(headers);
}

KafkaHeaders headers_of(const Segment& segment) {
  KafkaHeaders headers(rd_kafka_headers_new(kHeaders));
  std::array<char, kUtcTextBytes> time{};
  write_utc(segment.time_ns, time.data());
  add(headers.get(), "listener", segment.origin->listener);
  add(headers.get(), "url", segment.origin->url);
  add(headers.get(), "peer", to_string(segment.peer));
  add(headers.get(), "time", {time.data(), time.size()});
  return headers;
}

}  // namespace penstock
