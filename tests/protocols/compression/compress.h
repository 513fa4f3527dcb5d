#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/compression/coding.h"

/// The sender's side, for tests: by the same libraries.
namespace penstock::test {

inline constexpr std::size_t kPlenty = std::size_t{1} << 30;

/// One member or frame.
std::string compress(Coding coding, std::string_view text);

/// A sender that goes on for long.
class Compressor {
 public:
  /// `window_log` and `level` 0: as the library likes it.
  explicit Compressor(Coding coding, int window_log = 0, int level = 0);
  ~Compressor();

  std::string write(std::string_view text);  ///< what comes out by itself
  std::string flush();                       ///< the rest of what was written, readable at once
  std::string send(std::string_view text);   ///< both
  std::string finish();  ///< ends the member or frame; the next write begins another

 private:
  struct State;
  std::string run(std::string_view text, int zlib_flush, int zstd_end);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::test
