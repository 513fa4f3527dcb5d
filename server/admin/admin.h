#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "server/admin/events.h"
#include "server/admin/http_server.h"
#include "server/admin/sampler.h"
#include "server/admin/socket_table.h"
#include "server/admin/source.h"
#include "server/admin/taps.h"
#include "server/net/socket_source.h"

namespace penstock::admin {

/// The admin address: everything that can be seen and ordered from outside. Its threads (HTTP, sampler) are apart from
/// the loops and sinks; what it shows it reads from counters, so that looking at the server does not slow it.
class Admin {
 public:
  /// `socket` is bound, and listens after this. `source` outlives it.
  static Result<std::unique_ptr<Admin>> start(BoundSocket socket, std::string token,
                                              Source& source);
  ~Admin();  ///< ends the threads, then removes the socket's file

  const std::string& url() const noexcept { return url_; }

 private:
  Admin(std::string url, UnixSocketFile file, Source& source);
  HttpReply handle(const HttpRequest& request);

  struct Endpoint;
  static const Endpoint kEndpoints[];
  HttpReply health(const HttpRequest& request);
  HttpReply ready(const HttpRequest& request);
  HttpReply metrics(const HttpRequest& request);
  HttpReply status(const HttpRequest& request);
  HttpReply events(const HttpRequest& request);
  HttpReply sockets(const HttpRequest& request);
  HttpReply config(const HttpRequest& request);
  HttpReply tap(const HttpRequest& request);
  HttpReply drain(const HttpRequest& request);
  HttpReply reopen(const HttpRequest& request);

  const std::string url_;
  UnixSocketFile file_;
  Source& source_;
  SocketTable sockets_;
  Events events_;
  std::unique_ptr<HttpServer> http_;  // its streams read events_
  std::unique_ptr<Taps> taps_;        // their records go to http_
  std::unique_ptr<Sampler> sampler_;  // its samples go to http_
  std::atomic<bool> serving_{false};  // all of them are there
};

}  // namespace penstock::admin
