#pragma once

#include <memory>

#include "protocols/core/batch.h"

struct rd_kafka_headers_s;

namespace penstock {

struct FreeKafkaHeaders {
  void operator()(rd_kafka_headers_s* headers) const noexcept;
};
using KafkaHeaders = std::unique_ptr<rd_kafka_headers_s, FreeKafkaHeaders>;

/// The headers of every record of `segment`: `listener`, `url`, `peer` (`192.0.2.1:5514`), and `time`, when it was
/// received, in RFC 3339 as JSON has it.
KafkaHeaders headers_of(const Segment& segment);

}  // namespace penstock
