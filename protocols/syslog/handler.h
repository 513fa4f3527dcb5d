#pragma once

#include <memory>

#include "protocols/framed/frame_handler.h"
#include "protocols/framing/options.h"
#include "protocols/syslog/options.h"

namespace penstock {

/// What the `syslog` protocol makes of one message, for those that carry such messages in frames of their own (relp). See
/// make_syslog_decoder. Of `framing` only `unparsed` counts.
std::unique_ptr<FrameHandler> make_syslog_handler(const FramingOptions& framing,
                                                  const SyslogOptions& options);

}  // namespace penstock
