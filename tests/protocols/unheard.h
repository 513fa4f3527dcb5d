#pragma once

#include "protocols/core/decoder.h"

namespace penstock::test {

/// The server stops, and what the decoder has to say then is not heard.
inline void drain(Decoder& decoder) {
  struct Unheard final : Replies {
    void send(std::string_view) override {}
  } unheard;
  decoder.on_drain(unheard);
}

}  // namespace penstock::test
