#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "server/config/keys.h"
#include "server/config/load.h"
#include "tests/conf/conf_file.h"
#include "tests/conf/reference.h"

using namespace penstock;
using test::documented_keys;

namespace {

const std::string kDirectory = PENSTOCK_CONF_DIR;
const std::string kDefault = kDirectory + "/penstock.toml";
const std::string kPackaged = PENSTOCK_PACKAGED_CONFIG;
const std::string kReference = kDirectory + "/doc/penstock.toml.5.md";

std::vector<std::string> config_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> problems_of(const config::Loaded& loaded) {
  std::vector<std::string> lines;
  for (const auto& problem : loaded.problems)
    lines.push_back(to_string(loaded.config.file, problem));
  return lines;
}

// Lines move when comments are removed; what they say must not.
config::Config without_places(config::Config config) {
  for (auto& listener : config.listeners) {
    listener.place = {};
    for (auto& entry : listener.listen) entry.place = {};
  }
  for (auto& sink : config.sinks) sink.place = {};
  config.admin.listen_place = config.admin.token_file_place = {};
  config.shown_text.clear();
  return config;
}

}  // namespace

TEST_CASE("every file in conf/ loads without problems or warnings", "[conf]") {
  const auto files = config_files();
  CHECK(files.size() >= 5);
  for (const auto& file : files) {
    CAPTURE(file);
    CHECK(problems_of(config::load_file(file)) == std::vector<std::string>{});
  }
}

TEST_CASE("conf/penstock.toml has every key, and no other, once in its table", "[conf]") {
  std::set<std::string> known, documented;
  for (const auto& key : config::known_keys())
    known.insert(std::string(key.table) + '.' + std::string(key.name));
  for (const auto& key : documented_keys(test::file_text(kDefault))) {
    if (!key.comment.empty()) CHECK(documented.insert(key.table + '.' + key.key).second);
    CHECK(known.count(key.table + '.' + key.key) == 1);
  }
  CHECK(documented == known);
}

TEST_CASE("conf/penstock.toml tells each key's values as the loader does, and its default",
          "[conf]") {
  const auto documented = documented_keys(test::file_text(kDefault));
  for (const auto& known : config::known_keys()) {
    CAPTURE(known.table, known.name);
    const auto key = std::find_if(documented.begin(), documented.end(), [&](const auto& d) {
      return d.table == known.table && d.key == known.name && !d.comment.empty();
    });
    REQUIRE(key != documented.end());
    CHECK(key->comment.find("Values: " + config::describe(known.rule) + ". ") != std::string::npos);
    const bool has_default = key->comment.find("Default: ") != std::string::npos;
    CHECK((has_default || key->comment.find("Required") != std::string::npos));
  }
}

TEST_CASE("the defaults that conf/penstock.toml shows are the defaults", "[conf]") {
  const auto text = test::file_text(kDefault);
  const auto all = config::load_text(test::with_comments_removed(text, {"owner",
                                                                        "group",
                                                                        "delimiter",
                                                                        "frame_bytes",
                                                                        "multicast.interface",
                                                                        "token_file",
                                                                        "collectd.types_db",
                                                                        "collectd.auth_file",
                                                                        "forward.shared_key_file",
                                                                        "forward.users_file",
                                                                        "forward.server_name",
                                                                        "forward.tag",
                                                                        "forward.user",
                                                                        "forward.password_file",
                                                                        "endpoint",
                                                                        "http.target",
                                                                        "http.headers",
                                                                        "http.ca_file",
                                                                        "http.client_cert",
                                                                        "http.client_key",
                                                                        "to",
                                                                        "brokers",
                                                                        "topic",
                                                                        "key",
                                                                        "kafka",
                                                                        "servers",
                                                                        "subject",
                                                                        "nats.stream",
                                                                        "nats.user",
                                                                        "nats.password",
                                                                        "nats.token",
                                                                        "nats.credentials_file",
                                                                        "nats.nkey",
                                                                        "nats.nkey_seed_file",
                                                                        "nats.ca_file",
                                                                        "nats.client_cert",
                                                                        "nats.client_key"}),
                                     kDefault);
  for (const auto& problem : all.problems) {
    INFO(to_string(kDefault, problem));
    // keys without effect on this listener's URLs, or of another framing, protocol or type than it has
    const bool other_framing = problem.text.find(": length.") != std::string::npos;
    const bool other_protocol = problem.text.find(": only protocol = ") != std::string::npos;
    const bool other_sink = problem.text.find(": only a sink of type ") != std::string::npos;
    const bool other_queue = problem.text.find(": only a queue of type ") != std::string::npos;
    CHECK((problem.warning || other_framing || other_protocol || other_sink || other_queue));
  }
  CHECK(without_places(all.config) == without_places(config::load_file(kDefault).config));
}

TEST_CASE("all nine schemes are open in conf/penstock.toml, on ports for ordinary users",
          "[conf]") {
  std::set<std::string> schemes;
  for (const auto& listener : config::load_file(kDefault).config.listeners) {
    for (const auto& entry : listener.listen) {
      schemes.insert(entry.url.substr(0, entry.url.find("://")));
      const bool unix_socket = entry.url.starts_with("unix");
      if (unix_socket) {
        CHECK(entry.url.find("://./run/") != std::string::npos);
      } else {
        CHECK(std::stoi(entry.url.substr(entry.url.rfind(':') + 1)) >= 1024);
      }
    }
  }
  CHECK(schemes == std::set<std::string>{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix",
                                         "unixgram", "unixpacket"});
}

TEST_CASE("the reference has the entry of every key as the loader and conf/penstock.toml have it",
          "[conf]") {
  const auto page = test::file_text(kReference);
  INFO("after a change of keys: ./dev reference");
  CHECK(test::with_fresh_reference(page, test::file_text(kDefault)) == page);
  for (const auto& known : config::known_keys()) {
    CAPTURE(known.table, known.name);
    CHECK(page.find("<!-- keys of " + std::string(known.table)) != std::string::npos);
    CHECK(page.find("\n### " + std::string(known.name) + "\n") != std::string::npos);
  }
}

TEST_CASE("the packaged configuration differs from conf/penstock.toml in its folders alone",
          "[conf]") {
  const auto packaged = config::load_file(kPackaged);
  CHECK(problems_of(packaged) == std::vector<std::string>{});
  auto expected = config::load_file(kDefault).config;
  expected.file = kPackaged;
  for (auto& listener : expected.listeners) {
    for (auto& entry : listener.listen) {
      if (const auto at = entry.url.find("://./run/"); at != std::string::npos)
        entry.url.replace(at, 9, ":///run/penstock/");
    }
  }
  for (auto& sink : expected.sinks) sink.path = "/var/log/penstock/{listener}.log";
  expected.admin.listen = "unix:///run/penstock/admin.sock";
  expected.quarantine.path = "/var/lib/penstock/quarantine";
  CHECK(without_places(packaged.config) == without_places(expected));
}
