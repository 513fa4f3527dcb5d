#pragma once

namespace penstock::log {

/// Fills those of the descriptors 0, 1 and 2 that were closed when the process started, so that no socket, file or pipe
/// of ours gets their numbers: peers would read the log, records would go into the event loop's own pipe, and libuv
/// aborts when it is to close one of them. The first thing in main(). Whoever uses a filled one still finds out: it is
/// /dev/null opened in the wrong direction, so that reading 0 and writing to 1 fail with EBADF; 2 swallows what is
/// written. False, with errno, where there is no /dev/null.
bool fill_standard_descriptors() noexcept;

}  // namespace penstock::log
