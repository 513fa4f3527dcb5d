#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace penstock {

/// Cuts what the server sends into lines again and tells records from notes. JSON for a terminal: control characters that
/// JSON leaves as they are (DEL, the C1 controls, bidirectional overrides), which a terminal may obey, as \uXXXX.
class TapOutput {
 public:
  struct Options {
    bool json = false;
    bool to_terminal = false;
    std::uint64_t count = 0;  ///< records; 0: without end
  };
  /// `on_records` gets whole lines, as many as there are, and says false where they cannot be written. `on_note` gets
  /// one about records that were left out, for a person.
  TapOutput(Options options, std::function<bool(std::string_view)> on_records,
            std::function<void(const std::string&)> on_note);

  /// False: that was all.
  bool take(std::string_view bytes);

 private:
  bool take_line(std::string_view line);

  const Options options_;
  const std::function<bool(std::string_view)> on_records_;
  const std::function<void(const std::string&)> on_note_;
  std::string rest_;     // a line whose end has not come
  std::string records_;  // to be written
  std::uint64_t taken_ = 0;
};

}  // namespace penstock
