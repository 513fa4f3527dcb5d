#pragma once

#include <string>

#include "server/commands/send/result.h"
#include "server/net/url.h"

namespace penstock {

/// The one test record of `penstock send URL`: an RFC 5424 line with the time, this host and process.
std::string greeting();

/// What became of it, in words, LF included.
std::string greeting_text(const Url& url, const SendResult& result);

}  // namespace penstock
