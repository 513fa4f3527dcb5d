#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <charconv>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {

struct HttpRequest {
  std::string head;  ///< request line and headers, each with its CRLF
  std::string body;
};

/// A server on a port of its own that answers by a script; each connection on a thread of its own. An empty answer closes
/// the connection without one.
class HttpServer {
 public:
  using Script = std::function<std::string(const HttpRequest&)>;

  explicit HttpServer(Script script)
      : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() {
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    for (const int connection : connections_) ::close(connection);
    ::close(fd_);
  }

  std::string url(const std::string& path = "") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> all;
    for (const HttpRequest& request : requests()) all.push_back(request.body);
    return all;
  }

 private:
  void accept() {
    for (;;) {
      const int connection = ::accept(fd_, nullptr, nullptr);
      if (connection < 0) return;
      connections_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string in;
    HttpRequest request;
    while (read(connection, in, request)) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = script_(request);
      if (answer.empty()) break;
      if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    ::shutdown(connection, SHUT_RDWR);
  }

  static bool more(int connection, std::string& in) {
    char buffer[65536];
    const ssize_t n = ::recv(connection, buffer, sizeof buffer, 0);
    if (n > 0) in.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  static bool read(int connection, std::string& in, HttpRequest& request) {
    std::size_t end;
    while ((end = in.find("\r\n\r\n")) == std::string::npos)
      if (!more(connection, in)) return false;
    request.head = in.substr(0, end + 2);
    in.erase(0, end + 4);
    std::size_t size = 0;
    const std::size_t at = request.head.find("Content-Length: ");
    if (at != std::string::npos)
      std::from_chars(request.head.data() + at + 16, request.head.data() + request.head.size(),
                      size);
    while (in.size() < size)
      if (!more(connection, in)) return false;
    request.body = in.substr(0, size);
    in.erase(0, size);
    return true;
  }

  const Script script_;
  const int fd_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::vector<int> connections_;  // the acceptor's, and then the destructor's
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// `status` as `200 OK`; headers each with CRLF.
inline std::string http_answer(const std::string& status, const std::string& body = "",
                               const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

}  // namespace penstock::test
