#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "server/commands/top/view.h"

namespace penstock {

/// The screen of a terminal, by ncurses; the terminal is as it was when this ends. One at a time.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::size_t columns() const;
  std::size_t lines() const;  ///< without the bottom one, which says the keys
  void show(const std::vector<Line>& lines, const std::string& bottom);

  static constexpr int kNone = -1, kUp = -2, kDown = -3, kPageUp = -4, kPageDown = -5,
                       kResized = -6, kBackspace = -7;
  /// A character, or one of those above; kNone when none came within `wait`, or at a signal that ends the program.
  int key(std::chrono::milliseconds wait);
};

}  // namespace penstock
