#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace penstock::admin {

/// A request without its body, which is read and thrown away: nothing here takes one.
struct HttpRequest {
  std::string method, path;
  std::map<std::string, std::string> query;  ///< decoded; of a name given twice the last value

  /// The value of `name`, or an empty string.
  const std::string& parameter(const std::string& name) const;
};

/// A reply without an end that is known. HTTP thread only.
class HttpStream {
 public:
  enum class Status { kBytes, kNothingYet, kEnd };
  struct Read {
    Status status = Status::kNothingYet;
    std::size_t bytes = 0;  ///< kBytes: at least 1, in the front of the room
  };
  virtual ~HttpStream() = default;
  /// Behind kNothingYet it is asked again after HttpServer::wake_streams(). Never blocks.
  virtual Read read(std::span<char> room) = 0;
};

struct HttpReply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::unique_ptr<HttpStream> stream;  ///< instead of `body`

  /// An error as `{"error":"..."}`.
  static HttpReply error(unsigned status, const std::string& text);
};

/// Called on the HTTP thread, one at a time.
using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

}  // namespace penstock::admin
