#pragma once

#include <string_view>

namespace penstock::config {

/// True where a `listen` URL asks for any free port (`:0`, `:00`, `tcp://127.0.0.1:`, `tcp://`): two with the same text
/// are two sockets, so they may stand side by side. Seen from the spelling alone; whether the URL is good is net's to say.
bool asks_any_port(std::string_view url);

}  // namespace penstock::config
