#include "server/net/url.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "server/config/text.h"
#include "server/net/service_port.h"

namespace penstock {
namespace {

/// Indexed by Scheme.
constexpr std::array<std::string_view, 9> kSchemeNames = {
    "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket"};

/// Bytes of a socket path that fit beside the NUL, and of an abstract name beside its leading one.
constexpr std::size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;

/// The URL as written, then what is wrong with it.
tl::unexpected<Error> bad(std::string_view url, const std::string& why) {
  return fail(0, shown(url) + ": " + why);
}

bool find_scheme(std::string_view name, Scheme& scheme) {
  const auto* found = std::find(kSchemeNames.begin(), kSchemeNames.end(), name);
  if (found == kSchemeNames.end()) return false;
  scheme = static_cast<Scheme>(found - kSchemeNames.begin());
  return true;
}

bool is_ipv6_literal(std::string_view host) {
  in6_addr ignored{};
  return inet_pton(AF_INET6, std::string(host).c_str(), &ignored) == 1;
}

// --- what does not even have a scheme -------------------------------------------------------------------------

/// What an operator may have meant by a text without `://`.
std::string guess_url(std::string_view text) {
  const std::size_t colon = text.find(':');
  Scheme scheme{};
  if (colon != std::string_view::npos && find_scheme(text.substr(0, colon), scheme)) {
    std::string_view rest = text.substr(colon + 1);
    while (!is_unix(scheme) && !rest.empty() && rest.front() == '/') rest.remove_prefix(1);
    return std::string(text.substr(0, colon)) + "://" + std::string(rest);
  }
  if (!text.empty() && (text.front() == '/' || text.front() == '@' || text.substr(0, 2) == "./")) {
    return "unix://" + std::string(text);
  }
  return colon != std::string_view::npos ? "tcp://" + std::string(text) : "tcp://:5514";
}

tl::unexpected<Error> no_scheme(std::string_view text) {
  return bad(text, "missing \"://\", expected SCHEME://ADDRESS such as " + shown(guess_url(text)));
}

tl::unexpected<Error> unknown_scheme(std::string_view text, std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isspace(byte)) plain += static_cast<char>(std::tolower(byte));
  }
  std::string why = "unknown scheme " + shown(name) + ", ";
  Scheme meant{};
  if (find_scheme(plain, meant)) return bad(text, why + "did you mean " + shown(plain) + "?");
  why += "expected one of ";
  for (const std::string_view known : kSchemeNames) {
    why += known;
    if (known != kSchemeNames.back()) why += ", ";
  }
  return bad(text, why);
}

// --- HOST:PORT ------------------------------------------------------------------------------------------------

struct HostPort {
  std::string_view host;
  std::string_view port;
};

std::string missing_port(std::string_view scheme, std::string_view address) {
  const bool number =
      !address.empty() && std::all_of(address.begin(), address.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
  const std::string example = number ? ':' + std::string(address) : std::string(address) + ":5514";
  return "missing port in address, expected HOST:PORT such as " +
         shown(std::string(scheme) + "://" + example);
}

std::string too_many_colons(std::string_view scheme, std::string_view address) {
  const std::size_t last = address.rfind(':');
  std::string bracketed;
  if (is_ipv6_literal(address.substr(0, last))) {
    bracketed =
        '[' + std::string(address.substr(0, last)) + ']' + std::string(address.substr(last));
  } else if (is_ipv6_literal(address)) {
    bracketed = '[' + std::string(address) + "]:5514";
  }
  const std::string why = "too many colons in address, IPv6 addresses stand in brackets";
  return bracketed.empty() ? why : why + ": " + shown(std::string(scheme) + "://" + bracketed);
}

/// Go's net.SplitHostPort; the error is the reason alone.
Result<HostPort> split_host_port(std::string_view scheme, std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return fail(0, missing_port(scheme, address));
  HostPort parts{.host = address.substr(0, colon), .port = address.substr(colon + 1)};
  std::size_t open_from = 0;   // no '[' may stand from here on
  std::size_t close_from = 0;  // no ']' may stand from here on
  if (address.front() == '[') {
    const std::size_t end = address.find(']');
    if (end == std::string_view::npos) return fail(0, "missing ']' in address");
    const std::string_view behind = address.substr(end + 1);
    if (behind.empty()) return fail(0, missing_port(scheme, address));
    if (behind.front() != ':') return fail(0, "missing port in address, expected ':' behind ']'");
    if (end + 1 != colon) return fail(0, "too many colons in address");
    parts.host = address.substr(1, end - 1);
    open_from = 1;
    close_from = end + 1;
  } else if (parts.host.find(':') != std::string_view::npos) {
    return fail(0, too_many_colons(scheme, address));
  }
  if (address.find('[', open_from) != std::string_view::npos)
    return fail(0, "unexpected '[' in address");
  if (address.find(']', close_from) != std::string_view::npos)
    return fail(0, "unexpected ']' in address");
  return parts;
}

/// Takes the zone off an IPv6 literal; anything without a colon is IPv4 or a name and has none.
Result<void> set_host(Url& url, std::string_view host) {
  url.host = host;
  if (host.find(':') == std::string_view::npos) return {};
  const std::size_t percent = host.rfind('%');
  if (percent != std::string_view::npos) {
    url.host = host.substr(0, percent);
    url.zone = host.substr(percent + 1);
    if (url.zone.empty())
      return fail(0, "empty zone in address, expected an interface such as [fe80::1%eth0]");
  }
  if (!is_ipv6_literal(url.host)) return fail(0, shown(url.host) + " is not an IPv6 address");
  return {};
}

Result<Url> parse_inet(Url url, std::string_view address) {
  if (address.empty()) return url;  // as ":0"
  const auto parts = split_host_port(to_string(url.scheme), address);
  if (!parts) return bad(url.text, parts.error().message);
  const auto host = set_host(url, parts->host);
  if (!host) return bad(url.text, host.error().message);
  const auto port = parse_port(parts->port, is_tcp(url.scheme) ? "tcp" : "udp");
  if (!port) return bad(url.text, port.error().message);
  url.port = *port;
  return url;
}

// --- paths ----------------------------------------------------------------------------------------------------

Result<Url> parse_path(Url url, std::string_view path) {
  const std::string prefix = std::string(to_string(url.scheme)) + "://";
  if (path.empty())
    return bad(url.text, "empty path, expected " + shown(prefix + "/run/NAME.sock"));
  const bool abstract = path.front() == '@';
  if (!abstract && path.front() != '/' && path.substr(0, 2) != "./") {
    const std::string as(path);
    return bad(url.text, "path must begin with \"/\", \"./\" or \"@\", did you mean " +
                             shown(prefix + '/' + as) + " or " + shown(prefix + "./" + as) + "?");
  }
  if (path == "@") return bad(url.text, "empty abstract name, expected " + shown(prefix + "@NAME"));
  if (!abstract && path.back() == '/')
    return bad(url.text, "path is a directory, expected a file name behind it");
  const std::size_t size = path.size() - (abstract ? 1 : 0);
  if (size > kMaxPathBytes) {
    return bad(url.text, (abstract ? "abstract name of " : "path of ") + std::to_string(size) +
                             " bytes, at most " + std::to_string(kMaxPathBytes) +
                             " fit into a socket address");
  }
  url.path = path;
  return url;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kShownBytes = 256;
  return '"' + config::printable(text, true, kShownBytes) + '"';
}

std::string_view to_string(Scheme scheme) noexcept {
  return kSchemeNames[static_cast<std::size_t>(scheme)];
}

int socket_type(Scheme s) noexcept {
  if (s == Scheme::kUnixpacket) return SOCK_SEQPACKET;
  return is_datagram(s) ? SOCK_DGRAM : SOCK_STREAM;
}

Result<Url> parse_url(std::string_view text) {
  // Socket calls take C strings: what stands behind a NUL would silently be another address.
  if (text.find('\0') != std::string_view::npos)
    return bad(text.substr(0, text.find('\0')), "NUL byte in address");
  const std::size_t split = text.find("://");
  if (split == std::string_view::npos) return no_scheme(text);
  Url url;
  url.text = text;
  if (!find_scheme(text.substr(0, split), url.scheme))
    return unknown_scheme(text, text.substr(0, split));
  const std::string_view rest = text.substr(split + 3);
  return is_unix(url.scheme) ? parse_path(std::move(url), rest) : parse_inet(std::move(url), rest);
}

}  // namespace penstock
