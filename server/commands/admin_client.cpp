#include "server/commands/admin_client.h"

#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "server/commands/run.h"
#include "server/config/expand.h"
#include "server/config/load.h"
#include "server/exit_status.h"
#include "server/net/url.h"

namespace penstock {
namespace {

constexpr long kConnectMs = 5'000;
constexpr long kAnswerMs = 30'000;

struct Found {
  std::string address, token_file, config_file;
};

/// The address of the config file, errors elsewhere in it notwithstanding: the server that runs may have another one.
Result<Found> find(const AdminOptions& options) {
  Found found{options.address, options.token_file, {}};
  if (!found.address.empty()) return found;
  found.config_file = config_path(options.config_file);
  const config::Loaded loaded = config::load_file(found.config_file);
  if (loaded.config.shown_text.empty())
    return fail(0, config::to_string(found.config_file, loaded.problems.front()));
  found.address = loaded.config.admin.listen;
  if (found.address == config::Admin::kOff)
    return fail(0, found.config_file + ": admin.listen is \"off\"");
  if (found.token_file.empty()) found.token_file = loaded.config.admin.token_file;
  return found;
}

/// The first place that holds the socket; the current directory's where none does.
std::string existing_path(const std::string& path, const std::string& config_file) {
  namespace fs = std::filesystem;
  if (!path.starts_with('.') || config_file.empty()) return path;
  std::error_code error;
  const fs::path folder = fs::absolute(config_file, error).parent_path();
  for (const fs::path& base : {fs::path("."), folder, folder.parent_path()}) {
    if (fs::exists(base / path, error)) return (base / path).lexically_normal().string();
  }
  return path;
}

/// The wildcard is where a server listens, not where one connects to.
std::string host_to_connect(const Url& url) {
  if (url.host.empty() || url.host == "0.0.0.0") return "127.0.0.1";
  if (url.host == "::") return "[::1]";
  return url.host.find(':') != std::string::npos ? '[' + url.host + ']' : url.host;
}

std::size_t append_body(char* bytes, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(bytes, size * count);
  return size * count;
}

/// `{"error":"..."}` without its wrapping, else the body as it is.
std::string message_of(std::string body) {
  constexpr std::string_view kBegin = "{\"error\":\"";
  while (body.ends_with('\n')) body.pop_back();
  if (!body.starts_with(kBegin) || !body.ends_with("\"}")) return body;
  return body.substr(kBegin.size(), body.size() - kBegin.size() - 2);
}

}  // namespace

struct AdminClient::Impl {
  ~Impl() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }

  Result<void> perform(const std::string& path, bool post, curl_write_callback on_bytes, void* to,
                       long timeout_ms);
  long status() const {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  CURL* curl = curl_easy_init();
  curl_slist* headers = nullptr;
  std::string address, socket_path, base;
};

Result<void> AdminClient::Impl::perform(const std::string& path, bool post,
                                        curl_write_callback on_bytes, void* to, long timeout_ms) {
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, (base + path).c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  if (timeout_ms != 0) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  if (socket_path.starts_with('@'))
    curl_easy_setopt(curl, CURLOPT_ABSTRACT_UNIX_SOCKET, socket_path.c_str() + 1);
  else if (!socket_path.empty())
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path.c_str());
  if (headers != nullptr) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  if (post) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, to);
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && timeout_ms == 0)) return {};
  const bool absent = code == CURLE_COULDNT_CONNECT;
  return fail(code, address + ": " + curl_easy_strerror(code) +
                        (absent ? " (does the server run, with this config file?)" : ""));
}

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;
AdminClient::AdminClient(AdminClient&&) noexcept = default;
AdminClient& AdminClient::operator=(AdminClient&&) noexcept = default;

Result<AdminClient> AdminClient::open(const AdminOptions& options) {
  auto found = find(options);
  if (!found) return tl::unexpected(found.error());
  const auto url = parse_url(found->address);
  if (!url) return tl::unexpected(url.error());
  if (!is_tcp(url->scheme) && url->scheme != Scheme::kUnix)
    return fail(0, shown(found->address) + ": expected a tcp or unix URL");
  auto impl = std::make_unique<Impl>();
  impl->address = found->address;
  if (is_unix(url->scheme)) {
    impl->socket_path = existing_path(url->path, found->config_file);
    impl->base = "http://penstock";
  } else {
    impl->base = "http://" + host_to_connect(*url) + ':' + std::to_string(url->port);
  }
  if (!found->token_file.empty()) {
    auto token = config::read_secret(found->token_file);
    if (!token) return tl::unexpected(token.error());
    impl->headers = curl_slist_append(nullptr, ("Authorization: Bearer " + *token).c_str());
  }
  return AdminClient(std::move(impl));
}

Result<AdminClient::Answer> AdminClient::get(const std::string& path) { return ask(path, false); }
Result<AdminClient::Answer> AdminClient::post(const std::string& path) { return ask(path, true); }

Result<AdminClient::Answer> AdminClient::ask(const std::string& path, bool post) {
  Answer answer;
  if (auto done = impl_->perform(path, post, append_body, &answer.body, kAnswerMs); !done)
    return tl::unexpected(done.error());
  answer.status = impl_->status();
  if (answer.status >= 400) return fail(static_cast<int>(answer.status), message_of(answer.body));
  return answer;
}

Result<void> AdminClient::stream(const std::string& path,
                                 std::function<bool(std::string_view)> on_bytes) {
  struct Context {
    Impl* impl;
    std::function<bool(std::string_view)>* on_bytes;
    std::string refused;  // the body of an error
  } context{impl_.get(), &on_bytes, {}};
  const auto take = [](char* bytes, std::size_t size, std::size_t count, void* to) -> std::size_t {
    auto& one = *static_cast<Context*>(to);
    const std::string_view piece(bytes, size * count);
    if (one.impl->status() >= 400) return one.refused += piece, piece.size();
    return (*one.on_bytes)(piece) ? piece.size() : 0;
  };
  if (auto done = impl_->perform(path, false, take, &context, 0); !done) return done;
  if (impl_->status() >= 400)
    return fail(static_cast<int>(impl_->status()), message_of(context.refused));
  return {};
}

const std::string& AdminClient::address() const noexcept { return impl_->address; }

void add_parameter(std::string& path, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  char* encoded = curl_easy_escape(nullptr, value.data(), static_cast<int>(value.size()));
  path += path.find('?') == std::string::npos ? '?' : '&';
  path += name;
  path += '=';
  if (encoded != nullptr) path += encoded;
  curl_free(encoded);
}

int command_failed(const char* command, const Error& error) {
  std::fprintf(stderr, "penstock %s: %s\n", command, error.message.c_str());
  return kExitFailed;
}

void add_admin_options(CLI::App& command, AdminOptions& options) {
  command
      .add_option("-c,--config", options.config_file,
                  "config file of the server, which names its admin address (default: "
                  "conf/penstock.toml, else /etc/penstock/penstock.toml)")
      ->type_name("FILE");
  command.add_option("--admin", options.address, "its admin address instead")->type_name("URL");
  command.add_option("--token-file", options.token_file, "file with the token of that address")
      ->type_name("FILE");
}

}  // namespace penstock
