#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "server/config/text.h"
#include "server/net/bind_socket.h"
#include "server/net/check_listen.h"
#include "server/net/listen_claim.h"
#include "server/net/socket_holder.h"

namespace penstock {
namespace {

using Verdict = BindReport::Verdict;

std::size_t read_limit(const char* path) {
  std::ifstream file(path);
  std::size_t value = 0;
  return file >> value ? value : 0;
}

std::string without_scheme(const std::string& url) { return url.substr(url.find("://") + 3); }

/// Collects reports and remembers what the config has taken, since nothing stays bound.
class Tester {
 public:
  void add(const config::Listener& listener, const config::ListenUrl& listen);
  std::vector<BindReport> take() { return std::move(reports_); }

 private:
  BindReport start(const config::Listener& listener, const config::ListenUrl& listen,
                   const Url& url) const;
  void test_inet(const Url& url, const SocketAddress& address, const BindOptions& options,
                 BindReport& report) const;
  void find_clash(const ListenClaim& claim, const std::string& url, BindReport& report);

  std::size_t rmem_max_bytes_ = read_limit("/proc/sys/net/core/rmem_max");
  std::size_t max_dgram_qlen_ = read_limit("/proc/sys/net/unix/max_dgram_qlen");
  std::vector<std::pair<ListenClaim, std::string>> claims_;
  std::vector<BindReport> reports_;
};

void set(BindReport& report, Verdict verdict, std::string text) {
  report.verdict = verdict;
  report.text = std::move(text);
}

void examine_path(const Url& url, const BindOptions& options, BindReport& report) {
  const PathFinding finding = examine_socket_path(url.path);
  if (finding.state == PathState::kRefused) return set(report, Verdict::kError, finding.text);
  if (const auto pid = lock_holder(url.path)) {
    const std::string who = *pid > 0 ? " (pid " + std::to_string(*pid) + ')' : "";
    return set(report, Verdict::kNote, "a running Penstock holds it" + who);
  }
  if (finding.state == PathState::kLive) {
    const bool ours = is_other_penstock(find_unix_holder(url.path));
    return set(report, ours ? Verdict::kNote : Verdict::kError, finding.text);
  }
  if (const auto owner = find_owner(options.owner, options.group); !owner) {
    return set(report, Verdict::kError, owner.error().message);
  }
  const std::string directory = url.path.substr(0, url.path.rfind('/') + 1);
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return set(report, Verdict::kError, "directory " + directory + " is not writable");
  }
  if (std::string trouble = lock_trouble(url.path); !trouble.empty())
    return set(report, Verdict::kError, std::move(trouble));
  report.text = finding.state == PathState::kStale ? "a stale socket is there and would be replaced"
                                                   : "the path is free";
}

void examine_abstract(const Url& url, BindReport& report) {
  const auto holder = find_unix_holder(url.path);
  if (!holder) return set(report, Verdict::kOk, "the name is free");
  set(report, is_other_penstock(holder) ? Verdict::kNote : Verdict::kError,
      "address already in use (" + holder_text(holder) + ')');
}

/// `bind URL: reason` without what the report says anyway.
std::string reason_of(const Error& error, const std::string& url) {
  const std::string head = "bind " + url;
  if (error.message.rfind(head, 0) != 0) return error.message;
  const std::size_t colon = error.message.find(": ", head.size());
  return colon == std::string::npos ? error.message : error.message.substr(colon + 2);
}

BindReport Tester::start(const config::Listener& listener, const config::ListenUrl& listen,
                         const Url& url) const {
  BindReport report;
  report.listener = listener.name;
  report.place = listen.place;
  report.url = listen.url;
  report.asked_buffer_bytes = listener.receive_buffer_bytes;
  report.rmem_max_bytes = rmem_max_bytes_;
  if (url.scheme == Scheme::kUnixgram) report.max_dgram_qlen = max_dgram_qlen_;
  return report;
}

std::string joined_text(const std::vector<JoinedGroup>& groups) {
  std::string text;
  for (const JoinedGroup& group : groups) {
    text += (text.empty() ? "joined " : ", joined ") + group.text;
    if (!group.trouble.empty()) text += " (nothing may arrive: " + group.trouble + ')';
  }
  return text;
}

void Tester::test_inet(const Url& url, const SocketAddress& address, const BindOptions& options,
                       BindReport& report) const {
  const auto bound = bind_address(url, address, options);
  if (bound) {
    report.receive_buffer_bytes = bound->receive_buffer_bytes;
    report.text = joined_text(bound->groups);
    return;
  }
  const bool ours =
      bound.error().code == EADDRINUSE && is_other_penstock(find_inet_holder(url.scheme, address));
  set(report, ours ? Verdict::kNote : Verdict::kError, reason_of(bound.error(), url.text));
  if (ours) report.text = "a running Penstock holds it: " + report.text;
}

void Tester::find_clash(const ListenClaim& claim, const std::string& url, BindReport& report) {
  for (const auto& [earlier, text] : claims_) {
    if (conflict(earlier, claim))
      set(report, Verdict::kError, "conflicts with " + shown(text) + " of this file");
  }
  claims_.emplace_back(claim, url);
}

void Tester::add(const config::Listener& listener, const config::ListenUrl& listen) {
  const auto url = parse_url(listen.url);
  if (!url) return;
  BindReport report = start(listener, listen, *url);
  const auto addresses = resolve(*url);
  if (!addresses) {
    set(report, Verdict::kError, addresses.error().message);
    reports_.push_back(std::move(report));
    return;
  }
  const BindOptions options{.receive_buffer_bytes = listener.receive_buffer_bytes,
                            .gro = listener.gro,
                            .owner = listener.owner,
                            .group = listener.group,
                            .multicast = multicast_options(listener.multicast)};
  for (const SocketAddress& address : *addresses) {
    BindReport one = report;
    one.address = canonical_url(url->scheme, address);
    if (!is_unix(url->scheme)) {
      test_inet(*url, address, options, one);
    } else if (url->path.front() == '@') {
      examine_abstract(*url, one);
    } else {
      examine_path(*url, options, one);
    }
    find_clash(claim_of(url->scheme, address, listener.multicast.interface), listen.url, one);
    reports_.push_back(std::move(one));
  }
}

std::string buffer_text(const BindReport& report) {
  if (report.receive_buffer_bytes == 0) return {};
  std::string text =
      ", receive buffer " + std::to_string(report.receive_buffer_bytes) + " bytes effective";
  if (report.asked_buffer_bytes != 0) {
    text += ", " + std::to_string(report.asked_buffer_bytes) + " asked";
    // The kernel doubles what it grants, for its own overhead.
    if (report.receive_buffer_bytes / 2 < report.asked_buffer_bytes) text += ": smaller than asked";
  }
  return text + ", net.core.rmem_max " + std::to_string(report.rmem_max_bytes);
}

}  // namespace

std::vector<BindReport> test_bind(const config::Config& config) {
  Tester tester;
  for (const config::Listener& listener : config.listeners) {
    for (const config::ListenUrl& listen : listener.listen) tester.add(listener, listen);
  }
  return tester.take();
}

std::string to_string(const BindReport& report) {
  std::string text = "listener \"" + report.listener + "\": " + report.url;
  if (!report.address.empty() && report.address != report.url)
    text += " (" + without_scheme(report.address) + ')';
  text += report.verdict == Verdict::kOk     ? ": ok"
          : report.verdict == Verdict::kNote ? ": note"
                                             : ": error";
  if (!report.text.empty()) text += ", " + report.text;
  text += buffer_text(report);
  if (report.max_dgram_qlen != 0) {
    text += ", net.unix.max_dgram_qlen " + std::to_string(report.max_dgram_qlen);
  }
  return config::without_controls(text);
}

}  // namespace penstock
