#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/config/rule.h"

/// Every key that a config file may hold: one row each, with its rule and the field that it fills. The loader,
/// the messages and the test of conf/penstock.toml read these tables.
namespace penstock::config {

/// A key of the table that fills a T. A dotted name lies in a sub-table: `queue.max_bytes`.
template <class T>
struct Key {
  std::string_view name;
  Rule rule;
  void (*store)(T& into, const Value& value);
};

std::span<const Key<Server>> server_keys();
std::span<const Key<Listener>> listener_keys();
std::span<const Key<Sink>> sink_keys();
std::span<const Key<Quarantine>> quarantine_keys();
std::span<const Key<Admin>> admin_keys();

/// The words of the file for a value.
std::string_view to_string(SinkType type) noexcept;
std::string_view to_string(Framing framing) noexcept;
std::string_view to_string(SendFraming framing) noexcept;
std::string_view to_string(Encoding encoding) noexcept;
std::string_view to_string(HttpPreset preset) noexcept;

/// The rows of all tables without their fields.
struct KnownKey {
  std::string_view table;  ///< `server`, `listener`, `sink`, `quarantine`
  std::string_view name;
  Rule rule;
};
std::vector<KnownKey> known_keys();

/// The names of one table's keys.
std::vector<std::string> key_names(std::string_view table);

}  // namespace penstock::config
