#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config/load.h"

namespace penstock::test {

/// The problems of `text` as an operator sees them, under the file name `t.toml`.
inline std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& problem : config::load_text(text, "t.toml").problems) {
    lines.push_back(config::to_string("t.toml", problem));
  }
  return lines;
}

inline config::Config config_of(std::string_view text) {
  return config::load_text(text, "t.toml").config;
}

/// A listener in lines 1 to 3, a sink in lines 4 to 6: a file without problems, to which tests add lines.
inline const std::string kListener = "[[listener]]\nname = \"in\"\nlisten = \"tcp://:5514\"\n";
inline const std::string kSink = "[[sink]]\nname = \"out\"\ntype = \"blackhole\"\n";
inline const std::string kGood = kListener + kSink;
inline const std::string kFileSink = "[[sink]]\nname = \"out\"\npath = \"/d/a.log\"\n";

}  // namespace penstock::test
