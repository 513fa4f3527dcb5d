#include "server/sinks/kafka/kafka_headers.h"

#include <librdkafka/rdkafka.h>

#include "server/sinks/message_headers.h"

namespace penstock {

void FreeKafkaHeaders::operator()(rd_kafka_headers_s* headers) const noexcept {
  rd_kafka_headers_destroy(headers);
}

KafkaHeaders headers_of(const Segment& segment) {
  const auto parts = message_headers(segment);
  KafkaHeaders headers(rd_kafka_headers_new(parts.size()));
  for (const MessageHeader& part : parts)
    rd_kafka_header_add(headers.get(), part.name.data(), static_cast<ssize_t>(part.name.size()),
                        part.value.data(), static_cast<ssize_t>(part.value.size()));
  return headers;
}

}  // namespace penstock
