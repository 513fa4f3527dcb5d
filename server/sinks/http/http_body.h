#pragma once

#include <memory>
#include <string>

#include "server/config/config.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// How records become the body of a request. The sink's thread only.
struct HttpBody {
  virtual ~HttpBody() = default;

  /// The frames of `batch` that have no form in it.
  virtual std::vector<Undeliverable> unencodable(const Batch& batch) const = 0;

  /// Appends frame `frame` of `batch`, which lies in `segment` and has a form. `body` holds what has been appended since
  /// it was empty.
  virtual void append(const Batch& batch, const Segment& segment, std::size_t frame,
                      std::string& body) = 0;
  /// Behind the last record.
  virtual void finish(std::string&) {}

  virtual std::string_view content_type() const noexcept = 0;
};

/// By `preset`:
/// - none, clickhouse (JSONEachRow), influx: the lines or maps of `encoding`, one behind the other.
/// - loki: `{"streams":[{"stream":{labels},"values":[["ns","line"],...]},...]}` (Loki's HTTP API, "Ingest logs"). Labels
///   are listener, host and app; the time is that of receipt, for Loki wants a stream in order, and the frame's own
///   (distinct_time_ns), for Loki drops a line that it has at that time already; the line is what `encoding` makes of the
///   record, without its newline.
/// - elasticsearch: a line `{"create":{}}`, which needs no id and suits data streams, and the object of `encoding = "json"`
///   with `@timestamp` in front (Elasticsearch's "Bulk API").
/// - splunk: an object an event with time, host, source, sourcetype and event (Splunk's "Format events for HTTP Event
///   Collector"); `event` is a text with `encoding = "raw"`, an object with "json".
std::unique_ptr<HttpBody> make_http_body(const config::Sink& sink);

}  // namespace penstock
