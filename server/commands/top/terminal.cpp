#include "server/commands/top/terminal.h"

#include <ncurses.h>

#include <clocale>

namespace penstock {
namespace {

/// Colour pairs, by Style; plain and dim have none.
short pair_of(Style style) { return static_cast<short>(static_cast<int>(style) + 1); }

attr_t attribute_of(Style style) {
  switch (style) {
    case Style::kPlain: return A_NORMAL;
    case Style::kDim: return A_DIM;
    case Style::kHeader: return A_BOLD;
    case Style::kBad: return A_BOLD | static_cast<attr_t>(COLOR_PAIR(pair_of(style)));
    case Style::kGood:
    case Style::kWarn: break;
  }
  return static_cast<attr_t>(COLOR_PAIR(pair_of(style)));
}

}  // namespace

Terminal::Terminal() {
  std::setlocale(LC_ALL, "");
  initscr();
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  curs_set(0);
  set_escdelay(25);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(pair_of(Style::kGood), COLOR_GREEN, -1);
    init_pair(pair_of(Style::kWarn), COLOR_YELLOW, -1);
    init_pair(pair_of(Style::kBad), COLOR_RED, -1);
  }
}

Terminal::~Terminal() { endwin(); }

std::size_t Terminal::columns() const { return static_cast<std::size_t>(getmaxx(stdscr)); }
std::size_t Terminal::lines() const {
  return static_cast<std::size_t>(getmaxy(stdscr) > 1 ? getmaxy(stdscr) - 1 : 1);
}

void Terminal::show(const std::vector<Line>& lines, const std::string& bottom) {
  erase();
  int row = 0;
  for (const Line& line : lines) {
    move(row++, 0);
    for (const Span& span : line) {
      attrset(static_cast<int>(attribute_of(span.style)));
      addnstr(span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  attrset(A_REVERSE);
  mvaddnstr(getmaxy(stdscr) - 1, 0, bottom.data(),
            static_cast<int>(std::min(bottom.size(), columns() - 1)));
  attrset(A_NORMAL);
  refresh();
}

int Terminal::key(std::chrono::milliseconds wait) {
  timeout(static_cast<int>(wait.count()));
  switch (const int key = getch()) {
    case ERR: return kNone;
    case KEY_UP: return kUp;
    case KEY_DOWN: return kDown;
    case KEY_PPAGE: return kPageUp;
    case KEY_NPAGE: return kPageDown;
    case KEY_RESIZE: return kResized;
    case KEY_BACKSPACE:
    case 127: return kBackspace;
    default: return key;
  }
}

}  // namespace penstock
