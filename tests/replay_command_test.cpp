#include "server/replay_command.h"

#include <catch2/catch.hpp>

using namespace penstock;

namespace {

using Urls = std::vector<std::string>;

config::Listener listener(const Urls& urls, Framing framing = Framing::kNewline) {
  config::Listener made;
  made.name = "in";
  made.frames.framing = framing;
  for (const std::string& url : urls) made.listen.push_back({url, {}});
  return made;
}

}  // namespace

TEST_CASE("replay command: the framing that gives every record back", "[replay]") {
  const auto [url, framing, word] = GENERATE(table<std::string, Framing, std::string>({
      {"tcp://:5514", Framing::kNewline, "crlf"},
      {"tcp://:5514", Framing::kNul, "nul"},
      {"tcp://:5514", Framing::kOctetCounted, "octet_counted"},
      {"unix://./a", Framing::kSyslogAuto, "octet_counted"},
      {"udp://:5514", Framing::kNewline, "crlf"},
      {"unixgram://./a", Framing::kNul, "nul"},
      {"unixpacket://./a", Framing::kSyslogAuto, "crlf"},
      {"udp://:5514", Framing::kOctetCounted, "crlf"},
  }));
  CHECK(replay_command(listener({url}, framing), "q/leftover.jsonl", false) ==
        "penstock send " + url + " --replay q/leftover.jsonl --framing " + word);
}

TEST_CASE("replay command: framings that must be told more", "[replay]") {
  config::Listener in = listener({"tcp://:5514"}, Framing::kDelimiter);
  in.frames.delimiter = std::string("\\'\xff\0\n", 5);
  in.frames.length = {
      .bytes = 2, .order = std::endian::little, .offset = 3, .includes_header = true};
  in.frames.frame_bytes = 80;
  const auto [framing, words] = GENERATE(table<Framing, std::string>({
      {Framing::kDelimiter, R"(delimiter --delimiter '\\'\''\xff\x00\n')"},
      {Framing::kLengthPrefixed,
       "length_prefixed --length-bytes 2 --length-endian little --length-offset 3 "
       "--length-includes-header"},
      {Framing::kVarint, "varint"},
      {Framing::kFixed, "fixed --frame-bytes 80"},
      {Framing::kJson, "json"},
      {Framing::kNone, "none"},
  }));
  in.frames.framing = framing;
  CHECK(replay_command(in, "f", false) ==
        "penstock send tcp://:5514 --replay f --framing " + words);
  in.listen = {{"udp://:5514", {}}};
  const bool same = framing == Framing::kDelimiter;
  CHECK(replay_command(in, "f", false) ==
        "penstock send udp://:5514 --replay f --framing " + (same ? words : "crlf"));
}

TEST_CASE("replay command: the URL is one that can be sent to, a stream where there is one",
          "[replay]") {
  const auto [urls, word] = GENERATE(table<Urls, std::string>({
      {Urls{"udp://:514", "tcp://:514"}, "tcp://:514"},
      {Urls{"udp://:514", "unixpacket://./p", "unix://@a"}, "unix://@a"},
      {Urls{"tcp://:0"}, "URL"},
      {Urls{"tcp://:0", "unix://./a"}, "unix://./a"},
      {Urls{"tcp://[::1]:514"}, "'tcp://[::1]:514'"},
      {Urls{"unix://./with blank"}, "'unix://./with blank'"},
      {Urls{"unix:///it's"}, R"('unix:///it'\''s')"},
      {Urls{"unix:///$(reboot)"}, "'unix:///$(reboot)'"},
      {Urls{}, "URL"},
  }));
  CHECK(replay_command(listener(urls), "f", false) ==
        "penstock send " + word + " --replay f --framing crlf");
}

TEST_CASE("replay command: file and listener are words of a shell", "[replay]") {
  CHECK(replay_command(listener({"unix://./a"}), "my data/left", true) ==
        "penstock send unix://./a --replay 'my data/left' --listener in --framing crlf");
}

TEST_CASE("replay command: listeners whose records are left over, or whose frames may be",
          "[replay]") {
  config::Config config;
  for (const std::string name : {"whole", "left", "refused"}) {
    config.listeners.push_back(listener({"unix://./" + name}));
    config.listeners.back().name = name;
  }
  LedgerSnapshot snapshot;
  snapshot.routes.resize(2);
  snapshot.routes[0].listener = "left";
  snapshot.routes[0].lost[static_cast<std::size_t>(RouteLoss::kLeftover)] = 7;
  snapshot.routes[1].listener = "whole";
  snapshot.routes[1].lost[static_cast<std::size_t>(RouteLoss::kQueueFull)] = 7;
  snapshot.listeners.resize(1);
  snapshot.listeners[0].name = "refused";
  snapshot.listeners[0].counts.rejected[static_cast<std::size_t>(Reason::kTailDeadline)] = 1;
  const auto names = [&](std::uint64_t entries) {
    std::vector<std::string> found;
    for (const config::Listener* one : listeners_left_over(config, snapshot, entries))
      found.push_back(one->name);
    return found;
  };
  CHECK(names(7) == std::vector<std::string>{"left"});
  CHECK(names(8) == std::vector<std::string>{"left", "refused"});
}
