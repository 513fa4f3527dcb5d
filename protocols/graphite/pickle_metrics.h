#pragma once

#include <cstddef>
#include <string>

#include "protocols/graphite/pickle.h"

namespace penstock::graphite {

/// A metric of a pickle, `(path, (time, value))`: values of its PickleReader.
struct PickleMetric {
  const PickleValue* path = nullptr;
  const PickleValue* time = nullptr;
  const PickleValue* value = nullptr;
};

/// The metric that `item` is. False where it has another shape: not two items of which the first is a text and the second
/// two items that are no sequences. Numbers may be texts, as carbon takes them too.
bool as_metric(const PickleReader& reader, const PickleValue& item, PickleMetric& metric);

/// Whether the pickle is a list (or tuple) of metrics. A problem too: one line that is longer than the
/// `pickle_bytes` that it comes from, beyond a little, or lines that together are so 32 times: a few texts used again and
/// again could make them without end.
Problem check_metrics(const PickleReader& reader, std::size_t pickle_bytes);

/// Appends `path value time`, as plaintext says it: a real value has a point or an exponent, so that it stays one; None,
/// True and False stand as Python writes them.
void append_line(const PickleMetric& metric, std::string& line);

}  // namespace penstock::graphite
