#include "tests/conf/conf_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace penstock::test {
namespace {

const std::regex kHeader(R"(\[{1,2}(\w+)\]{1,2})");
const std::regex kKey(R"((#?)(([a-z_.]+) = .*))");
const std::regex kComment(R"(# (.*))");

std::vector<std::string> lines_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> meaning_of(const std::vector<std::string>& comments) {
  const auto values = std::find_if(comments.begin(), comments.end(),
                                   [](const auto& line) { return line.starts_with("Values: "); });
  return {comments.begin(), values};
}

}  // namespace

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<DocumentedKey> documented_keys(std::string_view text) {
  std::vector<DocumentedKey> keys;
  std::string table, comment;
  std::vector<std::string> comments;
  for (const auto& line : lines_of(text)) {
    std::smatch match;
    if (std::regex_match(line, match, kComment)) {
      comment += (comment.empty() ? "" : " ") + match[1].str();
      comments.push_back(match[1]);
      continue;
    }
    if (std::regex_match(line, match, kHeader)) table = match[1];
    if (std::regex_match(line, match, kKey))
      keys.push_back(
          {table, match[3], match[1].length() == 0, comment, meaning_of(comments), match[2]});
    comment.clear();
    comments.clear();
  }
  return keys;
}

std::string with_comments_removed(std::string_view text, const std::vector<std::string>& examples) {
  std::string out;
  for (const auto& line : lines_of(text)) {
    std::smatch match;
    const bool set = std::regex_match(line, match, kKey) && match[1].length() == 1 &&
                     std::find(examples.begin(), examples.end(), match[3].str()) == examples.end();
    out += (set ? line.substr(1) : line) + '\n';
  }
  return out;
}

}  // namespace penstock::test
