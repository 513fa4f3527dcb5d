#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocols/collectd/tables.h"

namespace penstock {

/// What a listener of the `collectd` protocol knows and asks for.
struct CollectdOptions {
  /// What a datagram must be, as in collectd's own `SecurityLevel`.
  enum class Security : std::uint8_t {
    kNone,     ///< anything; signatures are checked where `auth_file` is set
    kSign,     ///< signed or encrypted
    kEncrypt,  ///< encrypted
  };

  std::string types_db;   ///< path; empty: kUsualTypesDb, if that can be read
  std::string auth_file;  ///< path; empty: no users
  Security security = Security::kNone;
  /// What those files say: whoever makes a decoder has read them (check_collectd does). Null: nothing.
  std::shared_ptr<const collectd::Tables> tables;

  static constexpr const char* kUsualTypesDb = "/usr/share/collectd/types.db";

  friend bool operator==(const CollectdOptions&, const CollectdOptions&) = default;
};

}  // namespace penstock
