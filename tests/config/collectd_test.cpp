#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "protocols/collectd/options.h"
#include "tests/config/load_texts.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using Lines = std::vector<std::string>;

namespace {

std::string listener(const std::string& keys) {
  return "[[listener]]\nname = \"in\"\nlisten = \"udp://:25826\"\nprotocol = \"collectd\"\n" +
         keys + test::kSink;
}

std::string write(const test::TempDir& dir, const std::string& name, const std::string& text) {
  const std::string path = dir.path() + '/' + name;
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("collectd: the files that a listener names are read", "[config]") {
  const test::TempDir dir;
  const std::string types = write(dir, "types.db", "load a:GAUGE:0:1, b:GAUGE:0:1\n"),
                    users = write(dir, "users", "alice: secret\n");
  const std::string text =
      listener("collectd.types_db = \"" + types + "\"\ncollectd.auth_file = \"" + users +
               "\"\ncollectd.security = \"encrypt\"\n");
  CHECK(test::problems_of(text) == Lines{});
  const CollectdOptions options = test::config_of(text).listeners.at(0).of_protocol.collectd;
  CHECK(options.security == CollectdOptions::Security::kEncrypt);
  REQUIRE(options.tables != nullptr);
  CHECK(options.tables->types.at("load") == Lines{"a", "b"});
  CHECK(options.tables->users.at("alice") == "secret");
}

TEST_CASE("collectd: files that cannot be used are told at their key, without what is in them",
          "[config]") {
  const test::TempDir dir;
  const std::string types = write(dir, "types.db", "good a:GAUGE:0:1\nbad\n"),
                    users = write(dir, "users", "\nsecret without colon\n");
  CHECK(test::problems_of(listener("collectd.types_db = \"" + types +
                                   "\"\ncollectd.auth_file = \"" + users + "\"\n")) ==
        Lines{"t.toml:5:21: listener \"in\": collectd.types_db: " + types +
                  ": line 2: a type without data sources",
              "t.toml:6:22: listener \"in\": collectd.auth_file: " + users +
                  ": line 2: a line that is not USER: PASSWORD"});
  CHECK(test::problems_of(listener("collectd.auth_file = \"/nowhere/users\"\n")) ==
        Lines{"t.toml:5:22: listener \"in\": collectd.auth_file: /nowhere/users: no such file or "
              "directory"});
}

TEST_CASE("collectd: security takes users, and the protocol takes datagrams", "[config]") {
  CHECK(test::problems_of(listener("collectd.security = \"sign\"\n")) ==
        Lines{"t.toml:5:21: listener \"in\": collectd.security: nobody can be known without "
              "collectd.auth_file"});
  CHECK(test::problems_of("[[listener]]\nname = \"in\"\nlisten = \"tcp://:25826\"\n"
                          "protocol = \"collectd\"\n" +
                          test::kSink) ==
        Lines{"t.toml:3:10: listener \"in\": listen: \"tcp://:25826\": protocol = \"collectd\" is "
              "spoken over datagrams, expected udp, unixgram or unixpacket"});
}
