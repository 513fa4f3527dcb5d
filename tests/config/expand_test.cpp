#include "server/config/expand.h"

#include <stdlib.h>

#include <catch2/catch.hpp>

#include "tests/config/load_texts.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/variable.h"

using namespace penstock;
using config::expand;
using test::Variable;

namespace {

bool mentions(const std::vector<std::string>& lines, const std::string& text) {
  for (const auto& line : lines) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("variables expand wherever they stand, and only once", "[config]") {
  const Variable a("PENSTOCK_T_A", "one"), b("PENSTOCK_T_B", "${PENSTOCK_T_A}$"),
      empty("PENSTOCK_T_EMPTY", "");
  CHECK(expand("").value() == "");
  CHECK(expand("plain {listener} %Y").value() == "plain {listener} %Y");
  CHECK(expand("${PENSTOCK_T_A}").value() == "one");
  CHECK(expand("x${PENSTOCK_T_A}y${PENSTOCK_T_A}").value() == "xoneyone");
  CHECK(expand("${PENSTOCK_T_B}").value() == "${PENSTOCK_T_A}$");
  CHECK(expand("a${PENSTOCK_T_EMPTY}b").value() == "ab");
  CHECK(expand("$$").value() == "$");
  CHECK(expand("$${PENSTOCK_T_A}").value() == "${PENSTOCK_T_A}");
  CHECK(expand("$$$$").value() == "$$");
}

TEST_CASE("what is wrong with an expansion names the variable", "[config]") {
  ::unsetenv("PENSTOCK_T_UNSET");
  CHECK(expand("${PENSTOCK_T_UNSET}").error().message ==
        "environment variable PENSTOCK_T_UNSET is not set");
  CHECK(expand("${}").error().message ==
        "${} is no variable name, expected ${NAME} or ${file:/path}");
  CHECK(expand("${1A}").error().message ==
        "${1A} is no variable name, expected ${NAME} or ${file:/path}");
  CHECK(expand("${A-B}").error().message ==
        "${A-B} is no variable name, expected ${NAME} or ${file:/path}");
  CHECK(expand("${\x1b}").error().message ==
        "${\\u001b} is no variable name, expected ${NAME} or ${file:/path}");
  CHECK(expand("a${B").error().message == "${ without }");
  CHECK(expand("$HOME").error().message ==
        "a lone $, expected ${NAME} or ${file:/path}, or $$ for a dollar");
  CHECK(expand("a$").error().message ==
        "a lone $, expected ${NAME} or ${file:/path}, or $$ for a dollar");
}

TEST_CASE("a file's content comes without its last newline", "[config]") {
  const test::TempDir dir;
  const auto file = [&](const std::string& bytes) {
    test::write_file(dir / "secret", bytes);
    return expand("<${file:" + dir.path() + "/secret}>");
  };
  CHECK(file("token").value() == "<token>");
  CHECK(file("token\n").value() == "<token>");
  CHECK(file("token\r\n").value() == "<token>");
  CHECK(file("token\r").value() == "<token\r>");
  CHECK(file("a\nb\n\n").value() == "<a\nb\n>");
  CHECK(file("").value() == "<>");
  CHECK(file(std::string(64 << 10, 'x')).value().size() == (64 << 10) + 2);
  const std::string path = '"' + dir.path() + "/secret\"";
  CHECK(file(std::string((64 << 10) + 1, 'x')).error().message ==
        "read " + path + ": longer than 64KiB");
  CHECK(file(std::string("a\0b", 3)).error().message == "read " + path + ": it holds a NUL byte");
}

TEST_CASE("a file that cannot be read is named with the reason", "[config]") {
  CHECK(expand("${file:/nonexistent/x}").error().message ==
        "read \"/nonexistent/x\": no such file or directory");
  CHECK(expand("${file:/}").error().message == "read \"/\": is a directory");
  CHECK(expand("${file:}").error().message ==
        "${file:} names no file, expected such as ${file:/run/secrets/token}");
}

TEST_CASE("expanded values reach the config and never a message", "[config]") {
  const Variable secret("PENSTOCK_T_SECRET", "hunter2 {x} $"), threads("PENSTOCK_T_THREADS", "3"),
      flag("PENSTOCK_T_FLAG", "true"), bytes("PENSTOCK_T_BYTES", "4096"),
      path("PENSTOCK_T_PATH", "/d/x.log");
  const auto config =
      test::config_of("[server]\nthreads = \"${PENSTOCK_T_THREADS}\"\n" + test::kListener +
                      "gro = \"${PENSTOCK_T_FLAG}\"\nmax_frame_bytes = \"${PENSTOCK_T_BYTES}\"\n" +
                      "[[sink]]\nname = \"out\"\npath = \"${PENSTOCK_T_PATH}\"\n");
  CHECK(config.server.threads == 3);
  CHECK(config.listeners.at(0).gro);
  CHECK(config.listeners.at(0).frames.max_frame_bytes == 4096);
  CHECK(config.sinks.at(0).path == "/d/x.log");

  const std::string s = "\"${PENSTOCK_T_SECRET}\"";
  const auto lines = test::problems_of(
      "[server]\nthreads = " + s + "\nmemory = " + s + "\nlog_level = " + s +
      "\ndrain_timeout = " + s + "\n[[listener]]\nname = " + s +
      "\nlisten = \"tcp://:1\"\nsinks = [" + s + "]\nmode = " + s + "\nowner = " + s +
      "\ngroup = " + s + "\ngro = " + s + "\nmax_frame_bytes = " + s +
      "\n[[sink]]\nname = \"a\"\npath = " + s + "\n[[listener]]\nname = \"l\"\nlisten = [" + s +
      "]\n[[listener]]\nname = \"m\"\nlisten = [" + s + "]\n");
  CHECK(lines.size() == 17);  // 13 values, and four keys without effect on tcp
  CHECK(mentions(lines,
                 "t.toml:2:11: server: threads: expected 0 (one a core) or 1 to 256, got " + s));
  CHECK(mentions(lines, "owner: no user " + s + " on this machine"));
  CHECK(mentions(lines, "path: " + s + " expands to no valid path template"));
  CHECK(mentions(lines, "unknown sink " + s));
  CHECK_FALSE(mentions(lines, "hunter2"));
}

TEST_CASE("a value that expands to nothing is told as such", "[config]") {
  const Variable empty("PENSTOCK_T_EMPTY", "");
  CHECK(
      test::problems_of(test::kListener +
                        "[[sink]]\nname = \"out\"\npath = \"${PENSTOCK_T_EMPTY}\"\n") ==
      std::vector<std::string>{"t.toml:6:8: sink \"out\": path: expected a path template, such as "
                               "\"data/{listener}/%Y-%m-%d.log\", got \"${PENSTOCK_T_EMPTY}\", "
                               "which expands to nothing"});
}
