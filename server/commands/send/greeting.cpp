#include "server/commands/send/greeting.h"

#include <unistd.h>

#include <array>
#include <ctime>

namespace penstock {

std::string greeting() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host[0] = '-';
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return std::string("<14>1 ") + time.data() + " " + host.data() + " penstock " +
         std::to_string(::getpid()) + " - - test record from penstock send";
}

std::string greeting_text(const Url& url, const SendResult& result) {
  const SendTotals sum = totals(result);
  const std::string sent =
      "sent one test record (" + std::to_string(sum.bytes) + " bytes) to " + url.text + ": ";
  if (!is_datagram(url.scheme)) return sent + "read to its end and closed cleanly by both sides\n";
  return sent + (is_udp(url.scheme) ? "udp tells no more than that nobody refused it\n"
                                    : "it is in the receiver's queue\n");
}

}  // namespace penstock
