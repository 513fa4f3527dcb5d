#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"

namespace penstock {

/// What a server's answer says about the records of a request. Pure.
struct HttpVerdict {
  enum class Kind {
    kTaken,    ///< all of them are there
    kAgain,    ///< send them again after a pause: it is busy, away, or someone must look at it
    kRefused,  ///< what is in the request is the reason: smaller requests find out which records
    kFirstRefused,  ///< behind those `taken` the first one is the reason, and the others were not looked at
    kMixed,  ///< `records` says of some of them what became of those; all others are there
  };
  struct Record {
    std::size_t index = 0;  ///< in the request, from 0; rising
    bool refused = false;   ///< for good; else it is to be sent again after a pause
    std::string answer;
  };

  Kind kind = Kind::kTaken;
  std::string answer;           ///< what it says: of kAgain, kRefused and kFirstRefused
  std::size_t taken = 0;        ///< of kAgain and kFirstRefused: so many at the front are there
  std::vector<Record> records;  ///< of kMixed
};

/// Of a request with `records` records and a whole answer. 2xx is taken; 400, 413 and 422 are about what was sent; all
/// else may be otherwise later, be it that somebody mends an account or makes a database. Where the preset's answers say
/// more, that counts: ClickHouse's codes; items of Elasticsearch's _bulk; code and invalid-event-number of Splunk's HTTP
/// Event Collector.
HttpVerdict judge(config::HttpPreset preset, long status, std::string_view answer,
                  std::size_t records);

}  // namespace penstock
