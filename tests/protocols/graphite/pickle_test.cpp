#include "protocols/graphite/pickle.h"

#include <catch2/catch.hpp>

#include "protocols/graphite/pickle_metrics.h"

using namespace penstock;
using namespace std::string_literals;
using graphite::PickleReader;
using graphite::PickleValue;

namespace {

/// The lines of the pickle's metrics, or its problem.
std::string lines(const std::string& pickle) {
  PickleReader reader;
  if (const Problem problem = reader.read(pickle)) return to_string(problem);
  if (const Problem problem = graphite::check_items(reader, pickle.size()))
    return to_string(problem);
  std::string out;
  reader.for_each(reader.top(), [&](const PickleValue& item) {
    graphite::PickleMetric metric;
    if (!out.empty()) out += '\n';
    if (!graphite::as_metric(reader, item, metric)) {
      graphite::append_item(reader, item, out);
      return true;
    }
    std::string line;
    const Problem problem = graphite::append_line(metric, line);
    out += line + (problem ? " # " + to_string(problem) : "");
    return true;
  });
  return out;
}

}  // namespace

TEST_CASE("pickle: what Python 3 writes in each of its protocols", "[pickle]") {
  const auto pickle = GENERATE(values<std::string>({
      "(lp0\n(Va.b;k=v\np1\n(I1700000000\nF1.5\ntp2\ntp3\na(Vc\np4\n(F1700000000.25\nI2\ntp5\ntp6\na(Vd\np7\n(lp8\nI-1\naF-3.0\natp9\na(lp10\nVe\np11\na(V5\np12\nV6\np13\ntp14\naa."s,
      "]q\x00((X\x07\x00\x00\x00"
      "a.b;k=vq\x01(J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00tq\x02tq\x03(X\x01\x00\x00\x00"
      "cq\x04(GA\xd9T\xfc@\x10\x00\x00K\x02tq\x05tq\x06(X\x01\x00\x00\x00"
      "dq\x07]q\x08(J\xff\xff\xff\xffG\xc0\x08\x00\x00\x00\x00\x00\x00"
      "etq\x09]q\n(X\x01\x00\x00\x00"
      "eq\x0b(X\x01\x00\x00\x00"
      "5q\x0cX\x01\x00\x00\x00"
      "6q\x0dtq\x0e"
      "ee."s,
      "\x80\x02]q\x00(X\x07\x00\x00\x00"
      "a.b;k=vq\x01J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00\x86q\x02\x86q\x03X\x01\x00\x00\x00"
      "cq\x04GA\xd9T\xfc@\x10\x00\x00K\x02\x86q\x05\x86q\x06X\x01\x00\x00\x00"
      "dq\x07]q\x08(J\xff\xff\xff\xffG\xc0\x08\x00\x00\x00\x00\x00\x00"
      "e\x86q\x09]q\n(X\x01\x00\x00\x00"
      "eq\x0bX\x01\x00\x00\x00"
      "5q\x0cX\x01\x00\x00\x00"
      "6q\x0d\x86q\x0e"
      "ee."s,
      "\x80\x03]q\x00(X\x07\x00\x00\x00"
      "a.b;k=vq\x01J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00\x86q\x02\x86q\x03X\x01\x00\x00\x00"
      "cq\x04GA\xd9T\xfc@\x10\x00\x00K\x02\x86q\x05\x86q\x06X\x01\x00\x00\x00"
      "dq\x07]q\x08(J\xff\xff\xff\xffG\xc0\x08\x00\x00\x00\x00\x00\x00"
      "e\x86q\x09]q\n(X\x01\x00\x00\x00"
      "eq\x0bX\x01\x00\x00\x00"
      "5q\x0cX\x01\x00\x00\x00"
      "6q\x0d\x86q\x0e"
      "ee."s,
      "\x80\x04\x95^\x00\x00\x00\x00\x00\x00\x00]\x94(\x8c\x07"
      "a.b;k=v\x94J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00\x86\x94\x86\x94\x8c\x01"
      "c\x94GA\xd9T\xfc@\x10\x00\x00K\x02\x86\x94\x86\x94\x8c\x01"
      "d\x94]\x94(J\xff\xff\xff\xffG\xc0\x08\x00\x00\x00\x00\x00\x00"
      "e\x86\x94]\x94(\x8c\x01"
      "e\x94\x8c\x01"
      "5\x94\x8c\x01"
      "6\x94\x86\x94"
      "ee."s,
      "\x80\x05\x95^\x00\x00\x00\x00\x00\x00\x00]\x94(\x8c\x07"
      "a.b;k=v\x94J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00\x86\x94\x86\x94\x8c\x01"
      "c\x94GA\xd9T\xfc@\x10\x00\x00K\x02\x86\x94\x86\x94\x8c\x01"
      "d\x94]\x94(J\xff\xff\xff\xffG\xc0\x08\x00\x00\x00\x00\x00\x00"
      "e\x86\x94]\x94(\x8c\x01"
      "e\x94\x8c\x01"
      "5\x94\x8c\x01"
      "6\x94\x86\x94"
      "ee."s,
  }));
  CHECK(lines(pickle) == "a.b;k=v 1.5 1700000000\nc 2 1700000000.25\nd -3.0 -1\ne 6 5");
}

TEST_CASE("pickle: what Python 2 writes, byte strings", "[pickle]") {
  CHECK(lines("\x80\x02]q\x01U\x03"
              "a.bq\x02J\x00\xf1SeG?\xf8\x00\x00\x00\x00\x00\x00\x86q\x03\x86q\x04"
              "a."s) == "a.b 1.5 1700000000");
  CHECK(lines("(lp1\n(S'a.b'\np2\n(I1700000000\nF1.5\ntp3\ntp4\na."s) == "a.b 1.5 1700000000");
}

TEST_CASE("pickle: what carbon-relay sends, protocol 2 with real times", "[pickle]") {
  CHECK(lines("\x80\x02]q\x00(X\x07\x00\x00\x00"
              "a.b;k=vq\x01GA\xd9T\xfc@\x00\x00\x00G?"
              "\xf8\x00\x00\x00\x00\x00\x00\x86q\x02\x86q\x03X\x01\x00\x00\x00"
              "cq\x04GA\xd9T\xfc@@\x00\x00G@\x00\x00\x00\x00\x00\x00\x00\x86q\x05\x86q\x06"
              "e."s) == "a.b;k=v 1.5 1700000000\nc 2.0 1700000001");
}

TEST_CASE("pickle: numbers of every kind", "[pickle]") {
  const auto metric = [](const std::string& value) {
    return lines("(l(S'a'\n(I1\n" + value + "tta.");
  };
  CHECK(metric("K\xff"s) == "a 255 1");
  CHECK(metric("M\x01\x02"s) == "a 513 1");
  CHECK(metric("J\xff\xff\xff\xff"s) == "a -1 1");
  CHECK(metric("\x8a\x00"s) == "a 0 1");
  CHECK(metric("\x8a\x02\x00\x80"s) == "a -32768 1");
  CHECK(metric("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s) == "a 9223372036854775807 1");
  CHECK(metric("L-5L\n") == "a -5 1");
  CHECK(metric("I01\n") == "a True 1");
  CHECK(metric("\x88"s) == "a True 1");
  CHECK(metric("\x89"s) == "a False 1");
  CHECK(metric("N") == "a None 1");
  CHECK(metric("Fnan\n") == "a nan 1");
  CHECK(metric("F1e+16\n") == "a 1e+16 1");
  CHECK(metric("F-0.25\n") == "a -0.25 1");
  CHECK(metric("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00"s) == "a 9223372036854775808 1");
  CHECK(metric("L18446744073709551615L\n") == "a 18446744073709551615 1");
  CHECK(metric("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"s) == "a 18446744073709551616.0 1");
  CHECK(metric("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff"s) == "a -18446744073709551616.0 1");
  CHECK(metric("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x80"s) == "a -2.342736497361113e+21 1");
  CHECK(metric("\x8a\xff"s + std::string(255, '\x7f')) == "a inf 1");
  CHECK(metric("\x8b\xff\xff\xff\x7f"s) == "at byte 21: the pickle ends in the middle");
  CHECK(metric("L99999999999999999999L\n") == "a 1e+20 1");
  CHECK(metric("L1.5L\n") == "at byte 12: no integer that a double holds");
  CHECK(metric("Fx\n") == "at byte 12: no number");
}

TEST_CASE("pickle: opcodes that name, call or build anything are not known", "[pickle]") {
  const auto pickle = GENERATE(values<std::string>({
      "cos\nsystem\n(S'true'\ntR.",              // GLOBAL, REDUCE
      "(S'true'\nios\nsystem\n.",                // INST
      "(cos\nsystem\nS'true'\no.",               // OBJ
      "\x80\x04\x8c\x02os\x8c\x06system\x93."s,  // STACK_GLOBAL
      "\x80\x02)\x81."s,                         // NEWOBJ
      "\x80\x04)}\x92."s,                        // NEWOBJ_EX
      "(l}b.",                                   // EMPTY_DICT, BUILD
      "\x80\x02\x82\x01."s,                      // EXT1
      "\x80\x02\x83\x01\x00."s,                  // EXT2
      "\x80\x02\x84\x01\x00\x00\x00."s,          // EXT4
      "P1\n.",                                   // PERSID
      "NQ.",                                     // BINPERSID
      "(d.",                                     // DICT
      "(l2.",                                    // DUP
      "\x80\x05\x97."s,                          // NEXT_BUFFER
      "\x80\x04\x8f."s,                          // EMPTY_SET
  }));
  CAPTURE(pickle);
  CHECK(lines(pickle).ends_with(": an opcode that plain data does not need"));
}

TEST_CASE("pickle: what is none, and at which byte", "[pickle]") {
  const auto [pickle, problem] = GENERATE(table<std::string, std::string>({
      {"", "at byte 0: the pickle ends in the middle"},
      {"(l", "at byte 2: the pickle ends in the middle"},
      {"\x80"s, "at byte 1: the pickle ends in the middle"},
      {"\x80\x06(l."s, "at byte 0: a protocol above 5"},
      {"(l.x", "at byte 3: more behind the end of the pickle"},
      {".", "at byte 0: not one value at the end of the pickle"},
      {"(.", "at byte 1: not one value at the end of the pickle"},
      {"NN.", "at byte 2: not one value at the end of the pickle"},
      {"a.", "at byte 0: an opcode finds nothing on the stack to take"},
      {"]a.", "at byte 1: an opcode finds nothing on the stack to take"},
      {"](a.", "at byte 2: an opcode finds nothing on the stack to take"},
      {"0.", "at byte 0: an opcode finds nothing on the stack to take"},
      {"(\x85."s, "at byte 1: an opcode finds nothing on the stack to take"},
      {"NNa.", "at byte 2: no list to append to"},
      {"t.", "at byte 0: no mark on the stack"},
      {"X\xff\xff\xff\xff"s + "abc", "at byte 8: the pickle ends in the middle"},
      {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s + "abc",
       "at byte 12: the pickle ends in the middle"},
      {"U\x05"s + "abc", "at byte 5: the pickle ends in the middle"},
      {"Sabc\n.", "at byte 0: a text without quotes"},
      {"S'a\\q'\n.", "at byte 0: a text with an unknown escape"},
      {"S'a\\x4'\n.", "at byte 0: a text with an unknown escape"},
      {"S'a\\'\n.", "at byte 0: a text with an unknown escape"},
      {"V\\u004\n.", "at byte 0: a text with an escape that is none"},
      {"V\\ud800x\n.", "at byte 0: a text with an escape that is none"},
      {"V\\U00110000\n.", "at byte 0: a text with an escape that is none"},
      {"S'abc", "at byte 5: the pickle ends in the middle"},
      {"Nr\xff\xff\xff\xff."s, "at byte 1: a place in the memo beyond its limit"},
      {"Np99999999999999999999\n.", "at byte 1: no place in the memo"},
      {"Np-1\n.", "at byte 1: no place in the memo"},
      {"h\x00."s, "at byte 0: nothing at that place of the memo"},
      {"q\x00."s, "at byte 0: an opcode finds nothing on the stack to take"},
      {"N.", "the pickle is no list"},
      {"(lNa.", "None"},
      {"(l(S'a'\nNta.", "('a', None)"},
      {"(l(S'a'\n(I1\nttta.", "at byte 14: no mark on the stack"},
      {"(l(S'a'\n(I1\n(lta.", "at byte 15: no list to append to"},
      {"(l(S'a'\n(I1\n(ltta.", "('a', (1, []))"},
      {"(l(I1\n(I1\nI1\ntta.", "(1, (1, 1))"},
      {"(l(I1\nta.", "(1,)"},
  }));
  CAPTURE(pickle);
  CHECK(lines(pickle) == problem);
}

TEST_CASE("pickle: a list that holds itself, and nesting without end, do no harm", "[pickle]") {
  CHECK(lines("]q\x00h\x00"
              "a."s) == "[[[[[[[[[...]]]]]]]]]");
  const std::string twice =
      "]q\x00(h\x00h\x00"
      "e."s;
  CHECK(lines(twice).size() == 2 * (graphite::kMostShownBytes + 3) + 1);
  std::string nested(100'000, ']');
  nested += std::string(99'999, 'a') + '.';
  CHECK(lines(nested) == "[[[[[[[[[...]]]]]]]]]");
  CHECK(lines(std::string(400'000, ']')) == "at byte 262144: too many values in one pickle");
  CHECK(lines("Nq\x01"s +
              [] {
                std::string gets;
                for (int n = 0; n < 300'000; ++n) gets += "h\x01";
                return gets;
              }())
            .ends_with("too many values in one pickle"));
}

TEST_CASE("pickle: the texts of protocol 0 with what they escape", "[pickle]") {
  const auto path = [](const std::string& opcode) {
    return lines("(l(" + opcode + "\n(I1\nI2\ntta.");
  };
  CHECK(path(R"(S'caf\xc3\xa9')") == "caf\xc3\xa9 2 1");
  CHECK(path(R"(S"a\\\'\"b")") == R"(a\'"b 2 1)");
  CHECK(path("Vcaf\xe9") == "caf\xc3\xa9 2 1");
  CHECK(path(R"(V\u20ac\U0001f600\ud83d\ude00\u005cq\q)") ==
        "\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80\\q\\q 2 1");
}

TEST_CASE("pickle: a metric whose line would say something else is none", "[pickle]") {
  const auto metric = [](const std::string& path, const std::string& time,
                         const std::string& value) {
    return lines("(l(S'" + path + "'\n(" + time + "\n" + value + "\ntta.");
  };
  CHECK(metric("a 5", "I7", "S''") == "a 5  7 # at byte 1: a blank or a line end in the path");
  CHECK(metric("", "I3", "S'1 2'") == " 1 2 3 # at byte 0: no path");
  CHECK(metric("x", "S''", "S'5 1'") == "x 5 1  # at byte 2: the value is no number");
  CHECK(metric("x", "S'1 2'", "I5") == "x 5 1 2 # at byte 4: the time is no number");
  CHECK(metric("x", "S' 7 '", "S' 5 '") == "x 5 7");
}

TEST_CASE("pickle: one long text used again and again does not fill the memory", "[pickle]") {
  std::string pickle = "]X\x00\x10\x00\x00"s + std::string(4096, 'p') +
                       "q\x01"
                       "0(";
  for (int n = 0; n < 50'000; ++n) pickle += "h\x01K\x01K\x02\x86\x86"s;
  CHECK(lines(pickle + "e.") == "the pickle's metrics are much longer than itself");
}

TEST_CASE("pickle: one text thrice in a metric makes no line beyond the pickle's own length",
          "[pickle]") {
  const std::string text = "X\xa0\x86\x01\x00"s + std::string(100'000, '1') + "q\x01";
  CHECK(lines("]" + text +
              "h\x01h\x01\x86\x86"
              "a.") == "the pickle's metrics are much longer than itself");
  const std::string shorter = "X\x10\x27\x00\x00"s + std::string(10'000, '1') + "q\x01";
  CHECK(lines("]" + shorter +
              "h\x01h\x01\x86\x86"
              "a.")
            .size() == 3 * 10'000 + 2);
}
