#include "server/config/expand.h"

#include <algorithm>
#include <cstdlib>

#include "server/config/read_file.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMaxSecretBytes = std::size_t{64} << 10;
constexpr std::string_view kFilePrefix = "file:";

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

Result<std::string> from_file(std::string_view path) {
  if (path.empty())
    return fail(0, "${file:} names no file, expected such as ${file:/run/secrets/token}");
  auto content = read_file(std::string(path), kMaxSecretBytes);
  if (!content)
    return fail(content.error().code, "read " + in_quotes(path) + ": " + content.error().message);
  if (content->find('\0') != std::string::npos)
    return fail(0, "read " + in_quotes(path) + ": it holds a NUL byte");
  const std::size_t newline = content->ends_with("\r\n") ? 2 : content->ends_with('\n') ? 1 : 0;
  content->resize(content->size() - newline);
  return content;
}

Result<std::string> value_of(std::string_view name) {
  if (name.starts_with(kFilePrefix)) return from_file(name.substr(kFilePrefix.size()));
  if (!is_variable_name(name)) {
    return fail(0, "${" + printable(name, false, 64) +
                       "} is no variable name, expected ${NAME} or ${file:/path}");
  }
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return fail(0, "environment variable " + std::string(name) + " is not set");
  return std::string(value);
}

}  // namespace

bool has_expansion(std::string_view text) { return text.find("${") != std::string_view::npos; }

Result<std::string> read_secret(const std::string& path) {
  auto secret = from_file(path);
  if (secret && secret->empty()) return fail(0, "read " + in_quotes(path) + ": it is empty");
  return secret;
}

Result<std::string> expand(std::string_view text) {
  std::string out;
  for (;;) {
    const auto dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    if (!text.starts_with('{'))
      return fail(0, "a lone $, expected ${NAME} or ${file:/path}, or $$ for a dollar");
    const auto close = text.find('}');
    if (close == std::string_view::npos) return fail(0, "${ without }");
    auto value = value_of(text.substr(1, close - 1));
    if (!value) return value;
    out += *value;
    text.remove_prefix(close + 1);
  }
}

}  // namespace penstock::config
