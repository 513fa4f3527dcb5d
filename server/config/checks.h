#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/draft.h"

/// Second step: what must hold across keys and tables. Each check adds its problems to the draft; none repeats what
/// reading has told already.
namespace penstock::config {

void check_server(
    Draft& draft);  ///< tables present, stop timeouts, memory against queues and frames
void check_names(Draft& draft);        ///< present, unique
void check_routes(Draft& draft);       ///< listeners' sinks; fills in the default
void check_listeners(Draft& draft);    ///< URLs, keys against kinds of URL, limits, owners
void check_protocol(Draft& draft);     ///< URLs and keys against the protocol; fills in its framing
void check_collectd(Draft& draft);     ///< reads the files that its listeners name
void check_framing(Draft& draft);      ///< keys of one framing against that framing
void check_encodings(Draft& draft);    ///< what protocols make against what encodings can write
void check_sinks(Draft& draft);        ///< keys against types
void check_kafka_sinks(Draft& draft);  ///< templates, and options as librdkafka takes them
void check_nats_sinks(Draft& draft);   ///< servers, subject, stream, and who the sink is
void check_http_sinks(
    Draft& draft);  ///< keys of http sinks; fills in the encoding that a preset asks for
void check_sqlite_sinks(Draft& draft);  ///< keys of a database, names of its tables
void check_queues(Draft& draft);  ///< keys against their type; fills in the size of those on disk
void check_relay_sinks(Draft& draft);  ///< their keys; fills in what they have other defaults for
void check_paths(Draft& draft);        ///< templates, and paths that can meet

/// Keys that mean something with one framing only, against the one that a table has, by its word.
void check_framing_parts(std::string_view framing, const TableSource& source, Problems& problems);

/// Of a sink of another type: keys that mean something to sinks of `type` alone.
void refuse_keys_of(std::string_view type, std::span<const std::string_view> keys,
                    const TableSource& source, Problems& problems);

/// What config::parse_record_template has against the value of `key`, where it is given.
void check_record_template(Draft& draft, const TableSource& source, std::string_view key);

/// A list of names of tables.
bool contains(const std::vector<std::string>& names, const std::string& name);

}  // namespace penstock::config
