#pragma once

#include <memory>

#include "protocols/core/result.h"
#include "server/config/config.h"
#include "server/pipeline/sink.h"

namespace penstock {

/// The one list of sinks: builds the sink that `config` describes, not yet opened.
std::unique_ptr<Sink> make_sink(const config::Sink& config);

}  // namespace penstock
