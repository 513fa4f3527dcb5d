#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/core/result.h"

namespace CLI {
class App;
}

namespace penstock {

/// Where a command finds the server.
struct AdminOptions {
  std::string config_file;  ///< as given with --config; its `[admin]` names address and token_file
  std::string address;      ///< --admin: a tcp or unix URL instead
  std::string token_file;   ///< --token-file, instead of the config's
};

/// Adds --config, --admin and --token-file, which all commands of the admin address have.
void add_admin_options(CLI::App& command, AdminOptions& options);

/// Adds a parameter to the query of `path`, its value encoded; nothing where the value is empty.
void add_parameter(std::string& path, std::string_view name, std::string_view value);

/// Says on stderr why `penstock COMMAND` fails, and gives its exit status.
int command_failed(const char* command, const Error& error);

/// HTTP to the admin address of a running server, by libcurl. One thread, one request at a time.
class AdminClient {
 public:
  /// Finds the address and reads the token; connects with the first request. A relative path of a socket is looked for
  /// below the current directory, then below the config file's, then below the one above that.
  static Result<AdminClient> open(const AdminOptions& options);
  ~AdminClient();
  AdminClient(AdminClient&&) noexcept;
  AdminClient& operator=(AdminClient&&) noexcept;

  struct Answer {
    long status = 0;
    std::string body;
  };
  /// `path` with its query, encoded. The error names the address and what can be done; a status of 400 and more is one.
  Result<Answer> get(const std::string& path);
  Result<Answer> post(const std::string& path);
  /// A reply without an end: `on_bytes` gets it as it comes, and says false to end it. Gives when either side ends it.
  Result<void> stream(const std::string& path, std::function<bool(std::string_view)> on_bytes);

  /// As it was found, for messages.
  const std::string& address() const noexcept;

 private:
  struct Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);
  Result<Answer> ask(const std::string& path, bool post);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
