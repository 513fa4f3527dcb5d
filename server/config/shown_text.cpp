#include "server/config/shown_text.h"

#include <algorithm>
#include <array>
#include <vector>

namespace penstock::config {
namespace {

constexpr std::string_view kHidden = "\"(hidden)\"";
// "key.pem": librdkafka's ssl.key.pem, a private key itself; "oauthbearer.config": its parameters.
constexpr std::array<std::string_view, 8> kSecretWords = {
    "password",   "passwd", "passphrase", "secret",
    "credential", "token",  "key.pem",    "oauthbearer.config"};

bool is_secret(std::string_view key) {
  if (key.find("http.headers.") != std::string_view::npos) return true;  // what it is nobody knows
  if (key.ends_with("_file") || key.ends_with(".location")) return false;
  return std::any_of(kSecretWords.begin(), kSecretWords.end(), [&](std::string_view word) {
    return key.find(word) != std::string_view::npos;
  });
}

struct Region {
  std::size_t begin, end;
};

/// toml++ counts columns in characters; continuation bytes of UTF-8 are none.
std::size_t offset_of(std::string_view text, Place place) {
  std::size_t at = 0;
  for (std::uint32_t line = 1; line < place.line; ++line)
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  for (std::uint32_t column = 1; column < place.column && at < text.size(); ++column) {
    do ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  }
  return at;
}

/// `path`: the names of the tables around `node`, each followed by a dot, for a dotted key is written as tables are.
void collect(std::string_view text, const Node& node, const std::string& path,
             std::vector<Region>& secrets) {
  for (const Node& item : node.items) collect(text, item, path, secrets);
  for (const Entry& entry : node.entries) {
    const std::string key = path + entry.key;
    if (entry.value.type != Node::Type::kTable && is_secret(key))
      secrets.push_back({offset_of(text, entry.value.place), offset_of(text, entry.value.end)});
    else
      collect(text, entry.value, key + '.', secrets);
  }
}

}  // namespace

std::string shown_text(std::string_view text, const Node& root) {
  std::vector<Region> secrets;
  collect(text, root, {}, secrets);
  std::sort(secrets.begin(), secrets.end(),
            [](const Region& a, const Region& b) { return a.begin < b.begin; });
  std::string shown;
  std::size_t from = 0;
  for (const Region& secret : secrets) {
    shown += text.substr(from, secret.begin - from);
    shown += kHidden;
    from = secret.end;
  }
  shown += text.substr(from);
  return shown;
}

}  // namespace penstock::config
