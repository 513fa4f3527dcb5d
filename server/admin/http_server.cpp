#include "server/admin/http_server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "server/pipeline/signals_blocked.h"

namespace penstock::admin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kStreamBlockBytes = std::size_t{24} << 10;
constexpr int kStreamBufferBytes =
    64 << 10;  // in the kernel: a reader that stands still is found out soon, and holds little

std::string_view header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value != nullptr ? std::string_view(value) : std::string_view();
}

/// `[::1]:80` and `localhost:80` without the port.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_name_of_this_machine(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

/// A page of another origin may make a browser send a POST; it cannot forge the Origin.
bool is_foreign(MHD_Connection* connection) {
  const std::string_view origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
  if (origin.empty()) return false;
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ||
         origin.substr(at + 3) != header(connection, MHD_HTTP_HEADER_HOST);
}

/// One without a length is counted while it comes.
bool has_large_body(MHD_Connection* connection, std::size_t most) {
  const std::string_view length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::size_t bytes = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
  return !length.empty() && (error != std::errc{} || bytes > most);
}

/// Sends `response`, which it takes, with the head of `reply`.
MHD_Result queue(MHD_Connection* connection, MHD_Response* response, const HttpReply& reply) {
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.type.c_str());
  for (const auto& [name, value] : reply.headers)
    MHD_add_response_header(response, name.c_str(), value.c_str());
  const MHD_Result queued = MHD_queue_response(connection, reply.status, response);
  MHD_destroy_response(response);
  return queued;
}

/// What a request keeps between the calls of libmicrohttpd.
struct Exchange {
  std::size_t body_bytes = 0;
  bool is_stream = false;
};

}  // namespace

const std::string& HttpRequest::parameter(const std::string& name) const {
  static const std::string kNone;
  const auto found = query.find(name);
  return found != query.end() ? found->second : kNone;
}

HttpReply HttpReply::error(unsigned status, const std::string& text) {
  return {.status = status, .body = "{\"error\":\"" + text + "\"}\n"};
}

bool same_secret(std::string_view given, std::string_view secret) noexcept {
  unsigned difference = given.size() != secret.size();
  for (std::size_t at = 0; at < given.size(); ++at) {
    const char other = secret.empty() ? '\0' : secret[at % secret.size()];
    difference |= static_cast<unsigned char>(given[at]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

struct HttpServer::Impl {
  Impl(HttpAccess access_, HttpHandler handler_, HttpLimits limits_)
      : access(std::move(access_)), handler(std::move(handler_)), limits(limits_) {}

  // ---- called by libmicrohttpd, on its thread
  MHD_Result on_request(MHD_Connection* connection, const char* path, const char* method,
                        std::size_t& upload_bytes, void*& context);
  void on_connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what);
  void on_end(MHD_Connection* connection, void*& context);
  ssize_t read_stream(MHD_Connection* connection, HttpStream& stream, std::span<char> room);
  void forget_stream(MHD_Connection* connection);

  std::optional<HttpReply> refusal(MHD_Connection* connection, std::string_view method,
                                   std::string_view path) const;
  MHD_Result reply(MHD_Connection* connection, HttpReply reply, Exchange& exchange);
  MHD_Result reply_stream(MHD_Connection* connection, HttpReply& reply, Exchange& exchange);

  /// One stream on its way, owned by the response.
  struct Streaming {
    Impl* server;
    MHD_Connection* connection;
    std::unique_ptr<HttpStream> stream;
  };

  const HttpAccess access;
  const HttpHandler handler;
  const HttpLimits limits;
  MHD_Daemon* daemon = nullptr;

  std::mutex mutex;  // guards what follows
  struct Open {
    int fd = -1;
    Clock::time_point since;  // the connection's or its request's first byte
    bool is_stream = false;
  };
  std::unordered_map<MHD_Connection*, Open> connections;
  std::set<MHD_Connection*> suspended;
  unsigned streams = 0;
  bool stopping = false;
};

// ---- requests -----------------------------------------------------------------------------------------------------

std::optional<HttpReply> HttpServer::Impl::refusal(MHD_Connection* connection,
                                                   std::string_view method,
                                                   std::string_view path) const {
  if (method != "GET" && method != "HEAD" && method != "POST")
    return HttpReply::error(MHD_HTTP_METHOD_NOT_ALLOWED, "expected GET or POST");
  const bool is_open = method != "POST" && access.is_open != nullptr && access.is_open(path);
  if (!access.token.empty() && !is_open) {
    const std::string_view given = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!given.starts_with(kBearer) || !same_secret(given.substr(kBearer.size()), access.token)) {
      HttpReply reply = HttpReply::error(MHD_HTTP_UNAUTHORIZED,
                                         "expected the header Authorization: Bearer TOKEN");
      reply.headers.emplace_back(MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
      return reply;
    }
  } else if (access.token.empty() && access.is_inet &&
             !is_name_of_this_machine(host_of(header(connection, MHD_HTTP_HEADER_HOST)))) {
    return HttpReply::error(MHD_HTTP_FORBIDDEN,
                            "expected a Host of this machine, such as localhost");
  }
  if (has_large_body(connection, limits.body_bytes))
    return HttpReply::error(MHD_HTTP_CONTENT_TOO_LARGE, "no request here takes a body");
  if (method == "POST" && is_foreign(connection))
    return HttpReply::error(MHD_HTTP_FORBIDDEN, "asked by a page of another origin");
  return std::nullopt;
}

MHD_Result HttpServer::Impl::on_request(MHD_Connection* connection, const char* path,
                                        const char* method, std::size_t& upload_bytes,
                                        void*& context) {
  const bool first_call = context == nullptr;
  if (first_call) context = new Exchange;
  auto& exchange = *static_cast<Exchange*>(context);
  if (first_call) {
    // Before a body: who may not ask is told so at once, and what it still sends is not read.
    if (auto refused = refusal(connection, method, path))
      return reply(connection, std::move(*refused), exchange);
    return MHD_YES;
  }
  if (upload_bytes != 0) {
    exchange.body_bytes += upload_bytes;
    upload_bytes = 0;
    return exchange.body_bytes <= limits.body_bytes ? MHD_YES : MHD_NO;
  }
  HttpRequest request{.method = method, .path = path, .query = {}};
  MHD_get_connection_values(
      connection, MHD_GET_ARGUMENT_KIND,
      [](void* to, MHD_ValueKind, const char* name, const char* value) {
        (*static_cast<std::map<std::string, std::string>*>(to))[name] =
            value != nullptr ? value : "";
        return MHD_YES;
      },
      &request.query);
  if (request.method == "HEAD") request.method = "GET";  // libmicrohttpd leaves the body out
  return reply(connection, handler(request), exchange);
}

MHD_Result HttpServer::Impl::reply(MHD_Connection* connection, HttpReply reply,
                                   Exchange& exchange) {
  if (reply.stream) return reply_stream(connection, reply, exchange);
  MHD_Response* response =
      MHD_create_response_from_buffer(reply.body.size(), reply.body.data(), MHD_RESPMEM_MUST_COPY);
  return response != nullptr ? queue(connection, response, reply) : MHD_NO;
}

MHD_Result HttpServer::Impl::reply_stream(MHD_Connection* connection, HttpReply& reply,
                                          Exchange& exchange) {
  {
    const std::lock_guard lock(mutex);
    if (streams >= limits.streams) {
      reply = HttpReply::error(MHD_HTTP_SERVICE_UNAVAILABLE, "too many streams are open");
    } else {
      ++streams;
      exchange.is_stream = true;
      Open& open = connections[connection];
      open.is_stream = true;
      ::setsockopt(open.fd, SOL_SOCKET, SO_SNDBUF, &kStreamBufferBytes, sizeof kStreamBufferBytes);
    }
  }
  if (!exchange.is_stream) return this->reply(connection, std::move(reply), exchange);
  auto* streaming = new Streaming{this, connection, std::move(reply.stream)};
  MHD_Response* response = MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, kStreamBlockBytes,
      [](void* context, std::uint64_t, char* room, std::size_t bytes) {
        auto* one = static_cast<Streaming*>(context);
        return one->server->read_stream(one->connection, *one->stream, {room, bytes});
      },
      streaming, [](void* context) { delete static_cast<Streaming*>(context); });
  if (response == nullptr) {
    delete streaming;
    return MHD_NO;
  }
  return queue(connection, response, reply);
}

/// Suspended first and read then, under the mutex: what is given between the two wakes it.
ssize_t HttpServer::Impl::read_stream(MHD_Connection* connection, HttpStream& stream,
                                      std::span<char> room) {
  const std::lock_guard lock(mutex);
  if (stopping) return MHD_CONTENT_READER_END_OF_STREAM;
  const HttpStream::Read read = stream.read(room);
  switch (read.status) {
    case HttpStream::Status::kBytes: return static_cast<ssize_t>(read.bytes);
    case HttpStream::Status::kEnd: return MHD_CONTENT_READER_END_OF_STREAM;
    case HttpStream::Status::kNothingYet: break;
  }
  suspended.insert(connection);
  MHD_suspend_connection(connection);
  return 0;
}

void HttpServer::Impl::on_connection(MHD_Connection* connection,
                                     MHD_ConnectionNotificationCode what) {
  const std::lock_guard lock(mutex);
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    connections.erase(connection);
    suspended.erase(connection);
    return;
  }
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  connections[connection] = {.fd = info != nullptr ? info->connect_fd : -1, .since = Clock::now()};
}

void HttpServer::Impl::on_end(MHD_Connection* connection, void*& context) {
  const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(std::exchange(context, nullptr)));
  const std::lock_guard lock(mutex);
  if (exchange && exchange->is_stream) --streams;
  suspended.erase(connection);
  const auto found = connections.find(connection);
  if (found == connections.end()) return;
  found->second.is_stream = false;
  found->second.since = Clock::now();  // of the next request on it
}

// ---- the server ---------------------------------------------------------------------------------------------------

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(UniqueFd listening, HttpAccess access,
                                                      HttpHandler handler, HttpLimits limits) {
  auto impl = std::make_unique<Impl>(std::move(access), std::move(handler), limits);
  const SignalsBlocked blocked;
  impl->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, nullptr, nullptr,
      [](void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
         const char*, std::size_t* upload_bytes, void** context) {
        return static_cast<Impl*>(self)->on_request(connection, path, method, *upload_bytes,
                                                    *context);
      },
      impl.get(), MHD_OPTION_LISTEN_SOCKET, listening.get(), MHD_OPTION_CONNECTION_LIMIT,
      limits.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.memory_bytes,
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(limits.silence.count()),
      MHD_OPTION_NOTIFY_CONNECTION,
      static_cast<MHD_NotifyConnectionCallback>(
          [](void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
            static_cast<Impl*>(self)->on_connection(connection, what);
          }),
      impl.get(), MHD_OPTION_NOTIFY_COMPLETED,
      static_cast<MHD_RequestCompletedCallback>(
          [](void* self, MHD_Connection* connection, void** context, MHD_RequestTerminationCode) {
            static_cast<Impl*>(self)->on_end(connection, *context);
          }),
      impl.get(), MHD_OPTION_EXTERNAL_LOGGER,
      static_cast<void (*)(void*, const char*, va_list)>([](void*, const char*, va_list) {}),
      nullptr, MHD_OPTION_END);
  if (impl->daemon == nullptr) return fail(errno, "cannot start the admin server");
  (void)listening.release();  // closed with the daemon
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;  // none is suspended from here on: libmicrohttpd does not end over one
  }
  wake_streams();
  MHD_stop_daemon(impl_->daemon);
}

void HttpServer::wake_streams() {
  const std::lock_guard lock(impl_->mutex);
  for (MHD_Connection* connection : impl_->suspended) MHD_resume_connection(connection);
  impl_->suspended.clear();
}

void HttpServer::end_slow_requests() {
  const std::lock_guard lock(impl_->mutex);
  const auto oldest = Clock::now() - impl_->limits.request;
  for (const auto& [connection, open] : impl_->connections) {
    // Under the mutex: it is told of each close before the descriptor goes.
    if (!open.is_stream && open.since < oldest && open.fd >= 0) ::shutdown(open.fd, SHUT_RDWR);
  }
}

}  // namespace penstock::admin
