#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/core/result.h"
#include "server/admin/http.h"
#include "server/net/unique_fd.h"

namespace penstock::admin {

/// What may be asked of the admin server; all of it is refused with a reply or an end, and never touches the data path.
struct HttpLimits {
  unsigned connections = 64;  ///< at once; further ones wait in the accept queue
  unsigned streams = 16;      ///< of them: replies without an end
  std::size_t memory_bytes = std::size_t{48}
                             << 10;  ///< a connection: headers, and a block of the reply
  std::size_t body_bytes = std::size_t{4} << 10;
  std::chrono::seconds silence{10};  ///< without a byte either way
  std::chrono::seconds request{
      30};  ///< from a request's first byte, or the connection's, to its reply's last
};

struct HttpAccess {
  /// Not empty: every request carries `Authorization: Bearer TOKEN`.
  std::string token;
  /// Browsers reach it. Without a token only names of this machine are taken for Host, so that no foreign page gets at
  /// it by a name of its own (DNS rebinding).
  bool is_inet = false;
  /// Served without the token: the status page, which then asks for it.
  bool (*is_open)(std::string_view path) = nullptr;
};

/// HTTP on one listening socket, by libmicrohttpd on a thread of its own (`MHD-single`), so that it answers while the
/// I/O loops are saturated. GET, HEAD and POST; a POST from a page of another origin is refused.
class HttpServer {
 public:
  /// `listening` is bound and listening, tcp or unix. `handler` outlives the server.
  static Result<std::unique_ptr<HttpServer>> start(UniqueFd listening, HttpAccess access,
                                                   HttpHandler handler, HttpLimits limits = {});
  ~HttpServer();  ///< ends all connections and the thread

  /// Any thread: streams that had nothing to give are asked again.
  void wake_streams();
  /// Any thread, once a second: ends connections whose request takes longer than it may.
  void end_slow_requests();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Equal, in a time that depends on the length of `given` only: what a peer may try tells nothing of the secret.
bool same_secret(std::string_view given, std::string_view secret) noexcept;

}  // namespace penstock::admin
