#include "protocols/collectd/datagram.h"

#include <bit>
#include <cstring>
#include <utility>

#include "protocols/collectd/crypto.h"
#include "protocols/core/timestamp.h"

namespace penstock::collectd {
namespace {

using Security = CollectdOptions::Security;

constexpr std::size_t kHeaderBytes = 4;  // type and length of a part
constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kValueBytes = 9;  // its kind and its number
constexpr std::size_t kShortBytes = 2;
// collectd's own buffers hold no more, NUL included (DATA_MAX_NAME_LEN, NOTIF_MAX_MSG_LEN in its plugin.h). Names carry
// over to every part behind them: without a limit, one datagram of long names and short values would become a thousand
// times its size.
constexpr std::size_t kMostNameBytes = 127, kMostMessageBytes = 255;
constexpr unsigned kHighResolutionBits = 30;  // units of 2^-30 s

enum class PartType : std::uint16_t {
  kHost = 0x0000,
  kTime = 0x0001,
  kPlugin = 0x0002,
  kPluginInstance = 0x0003,
  kType = 0x0004,
  kTypeInstance = 0x0005,
  kValues = 0x0006,
  kInterval = 0x0007,
  kTimeHigh = 0x0008,
  kIntervalHigh = 0x0009,
  kMessage = 0x0100,
  kSeverity = 0x0101,
  kSignature = 0x0200,
  kEncrypted = 0x0210,
};

template <class T>
T big_endian(std::string_view bytes) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

double little_endian_double(std::string_view bytes) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = kNumberBytes; i-- > 0;)
    bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  return std::bit_cast<double>(bits);
}

/// Unless 64 bits of nanoseconds do not hold it.
std::optional<std::int64_t> from_seconds(std::uint64_t seconds) noexcept {
  constexpr std::uint64_t kMost = INT64_MAX / kNanosPerSecond - 1;
  if (seconds > kMost) return std::nullopt;
  return static_cast<std::int64_t>(seconds) * kNanosPerSecond;
}

std::optional<std::int64_t> from_high_resolution(std::uint64_t units) noexcept {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << (kHighResolutionBits - 1);
  const auto whole = from_seconds(units >> kHighResolutionBits);
  if (!whole) return std::nullopt;
  const std::uint64_t fraction = units & ((std::uint64_t{1} << kHighResolutionBits) - 1);
  return *whole +
         static_cast<std::int64_t>((fraction * kNanosPerSecond + kHalf) >> kHighResolutionBits);
}

class Parser {
 public:
  Parser(const CollectdOptions& options, Contents& contents) noexcept
      : options_(options), contents_(contents), trusted_(options.security == Security::kNone) {}

  ParseResult parse(std::string_view datagram) {
    contents_.clear();
    contents_.plain.reserve(datagram.size());  // no view into it moves
    parse_parts(datagram, {});
    return result_;
  }

 private:
  /// What is known of the bytes that are read.
  struct Origin {
    std::size_t offset = 0;  // of their first byte in the datagram
    bool decrypted = false;
  };

  /// Anybody can write what is malformed: where it is not to be trusted, it is refused as well.
  bool fail(const char* why, std::size_t at) noexcept {
    result_.problem = {why, at};
    result_.unauthenticated = result_.unauthenticated || !trusted_;
    return false;
  }
  bool refuse(const char* why, std::size_t at) noexcept {
    result_.unauthenticated = true;
    return fail(why, at);
  }

  bool parse_parts(std::string_view parts, Origin origin) {
    Identity about;
    for (std::size_t at = 0; at < parts.size();) {
      const std::string_view rest = parts.substr(at);
      const std::size_t where = origin.offset + at;
      if (rest.size() < kHeaderBytes) return fail("a part without its header", where);
      const auto type = static_cast<PartType>(big_endian<std::uint16_t>(rest));
      const std::size_t size = big_endian<std::uint16_t>(rest.substr(kShortBytes));
      if (size < kHeaderBytes) return fail("a part shorter than its own header", where);
      if (size > rest.size()) return fail("a part longer than what is left", where);
      const std::string_view body = rest.substr(kHeaderBytes, size - kHeaderBytes);
      at += size;
      const bool good = type == PartType::kSignature
                            ? check_signature(body, rest.substr(size), where)
                            : take_part(type, body, where, origin, about);
      if (!good) return false;
    }
    return true;
  }

  bool take_part(PartType type, std::string_view body, std::size_t where, const Origin& origin,
                 Identity& about) {
    switch (type) {
      case PartType::kHost: return read_name(body, where, about.host);
      case PartType::kPlugin: return read_name(body, where, about.plugin);
      case PartType::kPluginInstance: return read_name(body, where, about.plugin_instance);
      case PartType::kType: return read_name(body, where, about.type);
      case PartType::kTypeInstance: return read_name(body, where, about.type_instance);
      case PartType::kTime: return read_time(body, where, from_seconds, about.time_ns);
      case PartType::kInterval: return read_time(body, where, from_seconds, about.interval_ns);
      case PartType::kTimeHigh: return read_time(body, where, from_high_resolution, about.time_ns);
      case PartType::kIntervalHigh:
        return read_time(body, where, from_high_resolution, about.interval_ns);
      case PartType::kSeverity: return read_number(body, where, about.severity);
      case PartType::kValues: return add_values(body, where, about);
      case PartType::kMessage: return add_notification(body, where, about);
      case PartType::kEncrypted: return parse_encrypted(body, where, origin);
      default: return true;
    }
  }

  bool read_name(std::string_view body, std::size_t where, std::string_view& name) {
    return read_text(body, where, kMostNameBytes, "a name of more than 127 bytes", name);
  }

  bool read_text(std::string_view body, std::size_t where, std::size_t most, const char* too_long,
                 std::string_view& text) {
    if (!body.ends_with('\0')) return fail("a text without its NUL", where);
    text = body.substr(0, body.find('\0'));
    return text.size() <= most || fail(too_long, where + kHeaderBytes + most);
  }

  bool read_number(std::string_view body, std::size_t where, std::uint64_t& number) {
    if (body.size() != kNumberBytes) return fail("a number that is not 8 bytes", where);
    number = big_endian<std::uint64_t>(body);
    return true;
  }

  template <class Convert>
  bool read_time(std::string_view body, std::size_t where, Convert convert,
                 std::optional<std::int64_t>& ns) {
    std::uint64_t number = 0;
    if (!read_number(body, where, number)) return false;
    ns = convert(number);
    return ns.has_value() || fail("a time behind the year 2262", where);
  }

  bool add_values(std::string_view body, std::size_t where, const Identity& about) {
    if (body.size() < kShortBytes) return fail("values without their count", where);
    const std::size_t count = big_endian<std::uint16_t>(body);
    if (count == 0 || body.size() != kShortBytes + count * kValueBytes)
      return fail("values of another length than their count says", where);
    if (about.plugin.empty() || about.type.empty())
      return fail("values without a plugin and a type", where);
    const std::size_t first = contents_.values.size();
    const std::string_view kinds = body.substr(kShortBytes, count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view number =
          body.substr(kShortBytes + count + i * kNumberBytes, kNumberBytes);
      if (!add_value(static_cast<std::uint8_t>(kinds[i]), number))
        return fail("a value that is no counter, gauge, derive or absolute", where);
    }
    return add_report({.about = about, .first_value = first, .values = count}, where,
                      kHeaderBytes + body.size());
  }

  bool add_value(std::uint8_t kind, std::string_view number) {
    if (kind > static_cast<std::uint8_t>(ValueKind::kAbsolute)) return false;
    Value& value = contents_.values.emplace_back();
    value.kind = static_cast<ValueKind>(kind);
    if (value.kind == ValueKind::kGauge)
      value.real = little_endian_double(number);
    else
      value.unsigned_integer = big_endian<std::uint64_t>(number);
    return true;
  }

  bool add_notification(std::string_view body, std::size_t where, const Identity& about) {
    Report report{.about = about, .is_notification = true};
    return read_text(body, where, kMostMessageBytes, "a message of more than 255 bytes",
                     report.message) &&
           add_report(report, where, kHeaderBytes + body.size());
  }

  bool add_report(Report report, std::size_t where, std::size_t size) {
    if (!trusted_)
      return refuse(options_.security == Security::kEncrypt
                        ? "not encrypted, which collectd.security asks for"
                        : "neither signed nor encrypted, which collectd.security asks for",
                    where);
    report.wire_bytes = where + size - reported_;
    reported_ = where + size;
    contents_.reports.push_back(report);
    return true;
  }

  /// Of `covered`, all that is left; with the user's name, which stands in front of it.
  bool check_signature(std::string_view body, std::string_view covered, std::size_t where) {
    if (body.size() <= kSignatureBytes) return fail("a signature without a user", where);
    const std::string_view user = body.substr(kSignatureBytes);
    if (!has_users()) {
      if (options_.security == Security::kNone) return true;
      return refuse("signed, and no collectd.auth_file to check it with", where);
    }
    const std::string* password = password_of(user);
    if (password == nullptr) return refuse("signed by a user whom nobody knows", where);
    const std::string_view all(user.data(), user.size() + covered.size());
    if (!is_signed(body.substr(0, kSignatureBytes), all, *password))
      return refuse("the signature is not that of its user", where);
    trusted_ = trusted_ || options_.security == Security::kSign;
    return true;
  }

  bool parse_encrypted(std::string_view body, std::size_t where, const Origin& origin) {
    if (origin.decrypted) return fail("encrypted twice", where);
    const std::size_t user_bytes = body.size() < kShortBytes ? 0 : big_endian<std::uint16_t>(body);
    const std::size_t front = kShortBytes + user_bytes + kVectorBytes;
    if (user_bytes == 0 || body.size() < front + kChecksumBytes)
      return fail("an encrypted part without user, vector and checksum", where);
    if (!has_users()) return refuse("encrypted, and no collectd.auth_file to read it with", where);
    const std::string* password = password_of(body.substr(kShortBytes, user_bytes));
    if (password == nullptr) return refuse("encrypted by a user whom nobody knows", where);
    const std::string_view secret = body.substr(front);
    const std::size_t begin = contents_.plain.size();
    contents_.plain.resize(begin + secret.size());
    char* to = contents_.plain.data() + begin;
    if (!decrypt(secret, body.substr(kShortBytes + user_bytes, kVectorBytes), *password, to))
      return refuse("encrypted with another password than that of its user, or damaged", where);
    const bool trusted = std::exchange(trusted_, true);
    if (!parse_parts({to + kChecksumBytes, secret.size() - kChecksumBytes},
                     {where + kHeaderBytes + front + kChecksumBytes, true}))
      return false;
    trusted_ = trusted;
    return true;
  }

  bool has_users() const noexcept {
    return options_.tables != nullptr && !options_.tables->users.empty();
  }
  const std::string* password_of(std::string_view user) const {
    const auto found = options_.tables->users.find(user);
    return found == options_.tables->users.end() ? nullptr : &found->second;
  }

  const CollectdOptions& options_;
  Contents& contents_;
  ParseResult result_;
  bool trusted_;              // what is read now, as `security` asks
  std::size_t reported_ = 0;  // bytes of the datagram that reports stand for
};

}  // namespace

ParseResult parse_datagram(std::string_view datagram, const CollectdOptions& options,
                           Contents& contents) {
  return Parser(options, contents).parse(datagram);
}

}  // namespace penstock::collectd
