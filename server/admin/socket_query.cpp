#include "server/admin/socket_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

namespace penstock::admin {
namespace {

constexpr double kNotPaused = -1;

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1e3; }

const kernel::KernelSocket& kernel_of(const SocketLine& line) {
  static const kernel::KernelSocket kNothing;
  return line.kernel ? *line.kernel : kNothing;
}

/// One row a field that rows can be sorted by; either number or text.
struct Field {
  std::string_view name;
  double (*number)(const SocketLine&);
  std::string (*text)(const SocketLine&);
};

const std::array<Field, 25>& fields() {
  using L = const SocketLine&;
  static const std::array<Field, 25> kFields = {{
      {"kind", nullptr, [](L l) { return std::string(to_string(l.own.kind)); }},
      {"listener", nullptr, [](L l) { return l.own.origin->listener; }},
      {"url", nullptr, [](L l) { return l.own.origin->url; }},
      {"id", [](L l) { return static_cast<double>(l.own.id & 0xffffffff); }, nullptr},
      {"peer", nullptr, [](L l) { return l.peer; }},
      {"command", nullptr, [](L l) { return l.command; }},
      {"state", nullptr, [](L l) { return std::string(l.state()); }},
      {"phase", nullptr, [](L l) { return std::string(to_string(l.own.phase)); }},
      {"receive_queue_bytes",
       [](L l) { return l.is_listening() ? 0 : double(kernel_of(l).receive_queue); }, nullptr},
      {"send_queue_bytes",
       [](L l) { return l.is_listening() ? 0 : double(kernel_of(l).send_queue); }, nullptr},
      {"unsent_reply_bytes", [](L l) { return static_cast<double>(l.own.unsent_reply_bytes); },
       nullptr},
      {"accept_queue",
       [](L l) { return l.is_listening() ? double(kernel_of(l).receive_queue) : 0; }, nullptr},
      {"backlog", [](L l) { return l.is_listening() ? double(kernel_of(l).send_queue) : 0; },
       nullptr},
      {"receive_buffer_bytes", [](L l) { return double(kernel_of(l).receive_buffer_bytes); },
       nullptr},
      {"receive_buffer_fill_bytes", [](L l) { return double(kernel_of(l).receive_fill_bytes); },
       nullptr},
      {"kernel_drops", [](L l) { return double(kernel_of(l).drops); }, nullptr},
      {"read_bytes", [](L l) { return static_cast<double>(l.own.read_bytes); }, nullptr},
      {"events", [](L l) { return static_cast<double>(l.own.events); }, nullptr},
      {"bytes_per_second", [](L l) { return l.own.rates.bytes; }, nullptr},
      {"events_per_second", [](L l) { return l.own.rates.events; }, nullptr},
      {"held_bytes", [](L l) { return static_cast<double>(l.own.held_bytes); }, nullptr},
      {"age_seconds", [](L l) { return seconds(l.own.age); }, nullptr},
      {"idle_seconds", [](L l) { return seconds(l.own.idle); }, nullptr},
      {"paused_seconds", [](L l) { return l.own.paused ? seconds(*l.own.paused) : kNotPaused; },
       nullptr},
      {"paused_by", nullptr, [](L l) { return std::string(l.own.paused_by); }},
  }};
  return kFields;
}

const Field* find_field(std::string_view name) {
  for (const Field& field : fields())
    if (field.name == name) return &field;
  return nullptr;
}

std::string field_names() {
  std::string names;
  for (const Field& field : fields())
    names += (names.empty() ? "" : ", ") + std::string(field.name);
  return names;
}

Result<void> take_sort(std::string_view value, SocketQuery& query) {
  query.descending = value.starts_with('-');
  if (query.descending) value.remove_prefix(1);
  if (find_field(value) == nullptr)
    return fail(
        0, "sort: expected one of " + field_names() + ", \"-\" in front for the largest first");
  query.sort = value;
  return {};
}

Result<void> take_limit(std::string_view value, SocketQuery& query) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
  if (error != std::errc() || end != value.data() + value.size())
    return fail(0, "limit: expected a number");
  query.limit = limit;
  return {};
}

Result<void> take_kind(const std::string& value, SocketQuery& query) {
  if (value != "listening" && value != "connection" && value != "datagram")
    return fail(0, "kind: expected listening, connection or datagram");
  query.kind = value;
  return {};
}

Result<void> take_paused(const std::string& value, SocketQuery& query) {
  if (value != "0" && value != "1") return fail(0, "paused: expected 0 or 1");
  query.paused = value == "1";
  return {};
}

Result<void> take(const std::string& name, const std::string& value, SocketQuery& query) {
  if (name == "sort") return take_sort(value, query);
  if (name == "limit") return take_limit(value, query);
  if (name == "kind") return take_kind(value, query);
  if (name == "paused") return take_paused(value, query);
  if (name == "listener") return query.listener = value, Result<void>();
  if (name == "peer") return query.peer = value, Result<void>();
  if (name == "state") return query.state = value, Result<void>();
  return fail(0, "unknown parameter, expected sort, limit, listener, peer, state, kind or paused");
}

bool in_default_order(const SocketLine* a, const SocketLine* b) {
  if (a->own.origin == b->own.origin && a->own.kind == b->own.kind)
    return (a->own.id & 0xffffffff) < (b->own.id & 0xffffffff);
  const auto key = [](const SocketLine& line) {
    return std::tuple(line.own.kind, std::string_view(line.own.origin->listener),
                      std::string_view(line.own.origin->url), line.own.id & 0xffffffff);
  };
  return key(*a) < key(*b);
}

struct Keyed {
  double number = 0;
  std::string text;
  const SocketLine* line = nullptr;
};

void sort_by(const Field& field, bool descending, std::vector<const SocketLine*>& lines) {
  std::vector<Keyed> keyed;
  keyed.reserve(lines.size());
  for (const SocketLine* line : lines) {
    keyed.push_back({field.number != nullptr ? field.number(*line) : 0,
                     field.text != nullptr ? field.text(*line) : std::string(), line});
  }
  std::stable_sort(keyed.begin(), keyed.end(), [descending](const Keyed& a, const Keyed& b) {
    const auto before = [](const Keyed& x, const Keyed& y) {
      return std::tie(x.number, x.text) < std::tie(y.number, y.text);
    };
    return descending ? before(b, a) : before(a, b);
  });
  for (std::size_t at = 0; at < lines.size(); ++at) lines[at] = keyed[at].line;
}

}  // namespace

std::string_view SocketLine::state() const noexcept {
  return kernel ? kernel::state_name(kernel->state) : std::string_view();
}

std::string id_text(ConnectionId id) {
  if (id == 0) return {};
  const std::uint64_t generation = id >> 32;
  std::string text = std::to_string(id >> 24 & 0xff) + '-' + std::to_string(id & 0xffffff);
  if (generation > 1) text += '.' + std::to_string(generation);
  return text;
}

Result<SocketQuery> SocketQuery::parse(const std::map<std::string, std::string>& parameters) {
  SocketQuery query;
  for (const auto& [name, value] : parameters) {
    if (auto taken = take(name, value, query); !taken) return tl::unexpected(taken.error());
  }
  return query;
}

bool SocketQuery::matches(const SocketLine& line) const {
  if (!listener.empty() && line.own.origin->listener != listener) return false;
  if (!kind.empty() && to_string(line.own.kind) != kind) return false;
  if (!state.empty() && line.state() != state) return false;
  if (paused && !line.own.paused) return false;
  return peer.empty() || line.peer.find(peer) != std::string::npos ||
         line.command.find(peer) != std::string::npos;
}

std::size_t select(std::vector<SocketLine>& lines, const SocketQuery& query) {
  std::vector<const SocketLine*> chosen;
  for (const SocketLine& line : lines)
    if (query.matches(line)) chosen.push_back(&line);
  const std::size_t matching = chosen.size();
  std::sort(chosen.begin(), chosen.end(), in_default_order);
  if (const Field* field = find_field(query.sort)) sort_by(*field, query.descending, chosen);
  chosen.resize(std::min(matching, query.limit.value_or(matching)));
  std::vector<SocketLine> shown;
  shown.reserve(chosen.size());
  for (const SocketLine* line : chosen) shown.push_back(*line);
  lines.swap(shown);
  return matching;
}

}  // namespace penstock::admin
