#include "server/admin/admin.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "server/admin/metrics_text.h"
#include "server/admin/page_assets.h"
#include "server/admin/prometheus_text.h"
#include "server/admin/status_json.h"

namespace penstock::admin {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";

HttpReply wrong_method(std::string_view expected, std::string_view allowed) {
  HttpReply reply = HttpReply::error(405, "expected " + std::string(expected));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

}  // namespace

struct Admin::Endpoint {
  std::string_view method, path;
  HttpReply (Admin::*answer)(const HttpRequest&);
};

/// One row a path; beside them there are the page's files. A reader of this table knows all that is served.
const Admin::Endpoint Admin::kEndpoints[] = {
    {"GET", "/healthz", &Admin::health},       // 200 as long as the process answers
    {"GET", "/readyz", &Admin::ready},         // 200 while it serves and sinks work, else 503
    {"GET", "/metrics", &Admin::metrics},      // the same as /api/status for Prometheus
    {"GET", "/api/status", &Admin::status},    // all counters, queues and sinks, as JSON
    {"GET", "/api/events", &Admin::events},    // the same once a second, behind ten minutes (SSE)
    {"GET", "/api/sockets", &Admin::sockets},  // a row a socket: what waits in it, and why
    {"GET", "/api/config", &Admin::config},    // the file as it was read, secrets hidden
    {"GET", "/api/tap", &Admin::tap},          // a sample of a listener's records, as they come
    {"POST", "/api/drain", &Admin::drain},     // the stop begins, as at SIGTERM
    {"POST", "/api/reopen", &Admin::reopen},   // sinks open their files anew, as at SIGHUP
};

Admin::Admin(std::string url, UnixSocketFile file, Source& source)
    : url_(std::move(url)), file_(std::move(file)), source_(source), sockets_(source) {}

Result<std::unique_ptr<Admin>> Admin::start(BoundSocket socket, std::string token, Source& source) {
  if (auto listening = start_listening(socket, 0); !listening)
    return tl::unexpected(listening.error());
  std::unique_ptr<Admin> admin(new Admin(socket.url, std::move(socket.file), source));
  auto http = HttpServer::start(
      std::move(socket.fd),
      {.token = std::move(token),
       .is_inet = is_tcp(socket.scheme),
       .is_open = [](std::string_view path) { return find_page_asset(path) != nullptr; }},
      [self = admin.get()](const HttpRequest& request) { return self->handle(request); });
  if (!http) return tl::unexpected(http.error());
  admin->http_ = std::move(*http);
  admin->taps_ = std::make_unique<Taps>(source.tap_points(),
                                        [self = admin.get()] { self->http_->wake_streams(); });
  admin->sampler_ = std::make_unique<Sampler>(source, [self = admin.get()](const Status& status) {
    self->events_.publish(status);
    self->http_->wake_streams();
    self->http_->end_slow_requests();
  });
  admin->serving_ = true;
  return admin;
}

Admin::~Admin() {
  if (taps_) taps_->stop();
  if (sampler_) sampler_->stop();
  http_.reset();  // no request comes from here on: the others may go
}

HttpReply Admin::handle(const HttpRequest& request) {
  const bool post = request.method == "POST";
  const auto* const endpoint =
      std::find_if(std::begin(kEndpoints), std::end(kEndpoints),
                   [&](const Endpoint& one) { return one.path == request.path; });
  const bool known = endpoint != std::end(kEndpoints);
  if (!post && !serving_ && request.path != "/healthz")
    return HttpReply::error(503, "the server is starting");
  if (known && endpoint->method == request.method) return (this->*endpoint->answer)(request);
  if (post) return wrong_method("GET", "GET, HEAD");
  if (known) return wrong_method(endpoint->method, endpoint->method);
  if (const PageAsset* asset = find_page_asset(request.path)) return page_reply(*asset);
  return HttpReply::error(404, "nothing is served here; /api/status is a good begin");
}

HttpReply Admin::health(const HttpRequest&) { return {.type = kText, .body = "ok\n"}; }

HttpReply Admin::status(const HttpRequest&) { return {.body = to_json(sampler_->status())}; }

HttpReply Admin::events(const HttpRequest&) { return events_.open(); }

HttpReply Admin::sockets(const HttpRequest& request) { return sockets_.answer(request); }

HttpReply Admin::config(const HttpRequest&) {
  return {.type = "application/toml", .body = source_.config_text()};
}

HttpReply Admin::tap(const HttpRequest& request) { return taps_->open(request); }

HttpReply Admin::drain(const HttpRequest&) {
  const bool began = source_.drain();
  return {.status = 202, .body = began ? "{\"drain\":\"begun\"}\n" : "{\"drain\":\"under way\"}\n"};
}

HttpReply Admin::reopen(const HttpRequest&) {
  source_.reopen();
  return {.status = 202, .body = "{\"reopen\":\"asked for\"}\n"};
}

HttpReply Admin::ready(const HttpRequest&) {
  const Status status = source_.status();
  if (status.not_ready.empty()) return {.type = kText, .body = "ready\n"};
  return {.status = 503, .type = kText, .body = joined(status.not_ready)};
}

HttpReply Admin::metrics(const HttpRequest&) {
  HttpReply reply{.type = std::string(PrometheusText::kContentType)};
  append_metrics(reply.body, sampler_->status());
  append_process_metrics(reply.body);
  return reply;
}

}  // namespace penstock::admin
