#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/admin/http.h"
#include "server/admin/kernel_sockets.h"
#include "server/admin/socket_query.h"
#include "server/admin/source.h"

namespace penstock::admin {

/// What /api/sockets shows, without its rows.
struct SocketTableHead {
  std::int64_t time_ns = 0;  ///< CLOCK_REALTIME
  double took_ms = 0;
  std::size_t total = 0;    ///< rows that match
  bool incomplete = false;  ///< a loop or the kernel did not answer
};

/// Answers /api/sockets: the loops' rows and the kernel's, joined. HTTP thread only.
class SocketTable {
 public:
  /// A loop that has not come to its sockets by then is left out.
  static constexpr std::chrono::milliseconds kWait{500};

  explicit SocketTable(Source& source);
  HttpReply answer(const HttpRequest& request);

 private:
  Source& source_;
  KernelSockets kernel_;
};

/// Both sides of each socket, by cookie.
std::vector<SocketLine> join(const std::vector<SocketRow>& rows, const KernelSockets& kernel);

std::string to_json(const SocketTableHead& head, const std::vector<SocketLine>& lines);

}  // namespace penstock::admin
