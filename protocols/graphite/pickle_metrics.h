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

/// Whether the pickle is a list (or tuple), and its items, as lines, not much longer than itself: one line longer
/// than the `pickle_bytes` that it comes from, beyond a little, or lines that together are so 32 times: a few texts used
/// again and again could make them without end.
Problem check_items(const PickleReader& reader, std::size_t pickle_bytes);

/// Appends `path value time`, as plaintext says it: a real value has a point or an exponent, so that it stays one; None,
/// True and False stand as Python writes them. A problem, at its place in the line, where that line would say something
/// else: blanks or line ends in the path, a number that is no word.
Problem append_line(const PickleMetric& metric, std::string& line);

/// Appends an item that is no metric, as Python shows it, at most kMostShownBytes and three points where it has more.
void append_item(const PickleReader& reader, const PickleValue& item, std::string& line);
inline constexpr std::size_t kMostShownBytes = 256;

}  // namespace penstock::graphite
