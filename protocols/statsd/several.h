#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::statsd {

/// Several metrics of one name in a line, `name:1|c:200|ms|@0.1:+4|g`, as Etsy's daemon and Telegraf take them: `lines`
/// becomes a line for each. False where the line is none of these, or has DogStatsD's tags, in which a colon is no end; and
/// where the lines would be many times as long as it.
bool split_several(std::string_view line, std::vector<std::string>& lines);

}  // namespace penstock::statsd
