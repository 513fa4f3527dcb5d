#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/collectd/options.h"
#include "protocols/core/problem.h"

namespace penstock::collectd {

enum class ValueKind : std::uint8_t { kCounter, kGauge, kDerive, kAbsolute };

/// One number of a values part.
struct Value {
  ValueKind kind = ValueKind::kGauge;
  union {
    std::uint64_t unsigned_integer = 0;  ///< kCounter, kAbsolute
    std::int64_t integer;                ///< kDerive
    double real;                         ///< kGauge
  };
};

/// What a report is about; empty texts were not given.
struct Identity {
  std::string_view host, plugin, plugin_instance, type, type_instance;
  std::optional<std::int64_t> time_ns;  ///< since 1970 UTC
  std::optional<std::int64_t> interval_ns;
  std::uint64_t severity = 0;  ///< of notifications: 1 failure, 2 warning, 4 okay; 0: not given
};

/// A values part or a notification, with the parts before it.
struct Report {
  Identity about;
  bool is_notification = false;
  std::string_view message;  ///< of a notification
  std::size_t first_value = 0, values = 0;
  std::size_t wire_bytes = 0;  ///< of the datagram, from the end of the report before it
};

/// What one datagram holds. Views into it, or into `plain`.
struct Contents {
  std::vector<Report> reports;
  std::vector<Value> values;
  std::string plain;  ///< what was decrypted

  void clear() noexcept {
    reports.clear();
    values.clear();
    plain.clear();
  }
};

struct ParseResult {
  Problem problem;
  /// The problem is one of signatures, encryption and users, or in bytes that are not what `security` asks for.
  bool unauthenticated = false;
};

/// Reads one datagram of collectd's binary protocol (https://github.com/collectd/collectd/wiki/Binary-protocol; collectd
/// 5.12, network.c), all of it or nothing: what parts say about host, plugin, type and time carries over to those behind
/// them, but never to another datagram. Parts of unknown types are passed over.
///
/// Signed parts (HMAC-SHA-256) and encrypted ones (AES-256) are checked with `options.tables`; `options.security` says
/// what values must be at least. Without users signatures cannot be checked, and are believed with kNone.
ParseResult parse_datagram(std::string_view datagram, const CollectdOptions& options,
                           Contents& contents);

}  // namespace penstock::collectd
