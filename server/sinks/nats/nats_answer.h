#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// What JetStream says of a message.
struct NatsAnswer {
  enum class Kind {
    kStored,     ///< as safe as the stream's replicas make it
    kDuplicate,  ///< the same, and it was there already
    kRefused,    ///< this message will never be taken
    kError,  ///< not now: a stream that is full or without a leader, or not the one that was meant
  };
  Kind kind = Kind::kError;
  std::string text;  ///< of kRefused and kError, with the error's number
};

/// Reads a PubAck, or the error in its place: JSON, as nats-server 2.2 and later send it.
NatsAnswer read_nats_answer(std::string_view json);

/// What the answer to an order about streams says against it; empty: nothing. A stream of that name with other settings
/// is nothing either.
std::string why_no_stream(std::string_view json);

}  // namespace penstock
