#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "protocols/core/result.h"
#include "server/config/config.h"

namespace penstock {

struct FreeNatsOptions {
  void operator()(natsOptions* options) const noexcept { natsOptions_Destroy(options); }
};
using NatsOptions = std::unique_ptr<natsOptions, FreeNatsOptions>;

/// How a connection to `server`, one of `sink`'s, is made: TLS, and who we are. It does not reconnect by itself. Reads the
/// files of certificates. Errors say what libnats has against it.
Result<NatsOptions> nats_options(const config::Sink& sink, const std::string& server);

/// An error of libnats in words: its text for the status, and what it has said last on this thread.
std::string nats_error_text(natsStatus status);

}  // namespace penstock
