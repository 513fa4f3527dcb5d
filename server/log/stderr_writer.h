#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::log {

/// Puts whole lines on stderr and never lets its reader stop the server: a line that does not get through within a
/// quarter of a second is given up, and while the reader stays stuck the next ones are not waited for. One thread at a
/// time (the log's sink holds a mutex).
class StderrWriter {
 public:
  /// `line` ends in a newline. False: given up (no reader, closed, stuck), in whole or behind a part.
  bool write(std::string_view line) noexcept;

 private:
  bool write_part(std::string_view part) noexcept;
  bool wait_until_writable() noexcept;

  bool stuck_ = false;     // the last wait was in vain: do not wait again
  bool mid_line_ = false;  // a part of a line stands there without its end
};

/// stderr is a terminal that shows colours: not `TERM=dumb`, not NO_COLOR (no-color.org).
bool stderr_shows_colours() noexcept;

}  // namespace penstock::log
