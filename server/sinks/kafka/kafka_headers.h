#pragma once

#include <memory>

#include "protocols/core/batch.h"

struct rd_kafka_headers_s;

namespace penstock {

struct FreeKafkaHeaders {
  void operator()(rd_kafka_headers_s* headers) const noexcept;
};
using KafkaHeaders = std::unique_ptr<rd_kafka_headers_s, FreeKafkaHeaders>;

/// message_headers() as librdkafka takes them.
KafkaHeaders headers_of(const Segment& segment);

}  // namespace penstock
