#include "server/config/forward_secrets.h"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "protocols/core/check.h"
#include "server/config/expand.h"

namespace penstock::config {
namespace {

/// Names go into messages that hold no longer ones.
constexpr std::size_t kMaxNameBytes = 255;

void fill_random(std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t filled = ::getrandom(bytes.data(), bytes.size(), 0);
    PENSTOCK_CHECK(filled > 0 || errno == EINTR);
    if (filled > 0) bytes = bytes.subspan(static_cast<std::size_t>(filled));
  }
}

std::string machine_name() {
  std::array<char, kMaxNameBytes + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "penstock";
}

Result<void> add_users(std::string_view text, ForwardSecrets& secrets) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (one.empty() || one.starts_with('#')) continue;
    const auto colon = one.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == one.size())
      return fail(0, "forward.users_file: line " + std::to_string(line) +
                         ": expected NAME:PASSWORD, got something else");
    secrets.users.emplace_back(one.substr(0, colon), one.substr(colon + 1));
  }
  if (secrets.users.empty()) return fail(0, "forward.users_file: it names no user");
  return {};
}

/// Of the file that `key` names.
Result<std::string> secret_of(std::string_view key, const std::string& file) {
  auto secret = read_secret(file);
  if (!secret) return fail(secret.error().code, std::string(key) + ": " + secret.error().message);
  return secret;
}

}  // namespace

Result<std::shared_ptr<const ForwardSecrets>> read_forward_secrets(const ForwardOptions& options) {
  if (options.shared_key_file.empty()) return nullptr;
  auto secrets = std::make_shared<ForwardSecrets>();
  auto key = secret_of("forward.shared_key_file", options.shared_key_file);
  if (!key) return tl::unexpected(key.error());
  secrets->shared_key = std::move(*key);
  secrets->server_name = options.server_name.empty() ? machine_name() : options.server_name;
  secrets->fill_random = fill_random;
  if (!options.users_file.empty()) {
    const auto users = secret_of("forward.users_file", options.users_file);
    if (!users) return tl::unexpected(users.error());
    if (auto added = add_users(*users, *secrets); !added) return tl::unexpected(added.error());
  }
  return secrets;
}

Result<std::optional<ForwardClientSecrets>> read_forward_client_secrets(
    const RelayForward& forward) {
  if (forward.shared_key_file.empty()) return std::nullopt;
  // A receiver on this machine has the machine's name.
  ForwardClientSecrets secrets{.user = forward.user, .host_name = machine_name() + "/relay"};
  secrets.fill_random = fill_random;
  auto key = secret_of("forward.shared_key_file", forward.shared_key_file);
  if (!key) return tl::unexpected(key.error());
  secrets.shared_key = std::move(*key);
  if (!forward.password_file.empty()) {
    auto password = secret_of("forward.password_file", forward.password_file);
    if (!password) return tl::unexpected(password.error());
    secrets.password = std::move(*password);
  }
  return secrets;
}

}  // namespace penstock::config
