#include "protocols/collectd/decoder.h"
#include "protocols/core/check.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/collectd/packet.h"
#include "tests/protocols/feed.h"

// collectd datagrams: as they are, behind a true signature and truly encrypted. Feed aborts where the ledger's identities
// do not hold.
namespace {

using namespace penstock;

CollectdOptions options(std::uint8_t how) {
  static const auto tables = [] {
    auto all = std::make_shared<collectd::Tables>();
    collectd::parse_types_db("load a:GAUGE:0:1, b:GAUGE:0:1\ncpu value:DERIVE:0:U\n", *all);
    collectd::parse_auth_file("alice: secret\n", *all);
    return all;
  }();
  CollectdOptions all;
  all.security = static_cast<CollectdOptions::Security>(how % 3);
  if (how / 4 % 2 == 0) all.tables = tables;
  return all;
}

test::Feed fed(const FramingOptions& framing, const CollectdOptions& options,
               std::string_view datagram) {
  test::Feed feed(make_collectd_decoder(framing, options));
  feed.datagram(datagram);
  feed.datagram(datagram, datagram.size() + 1);
  PENSTOCK_CHECK(feed.events().size() == feed.records().size());
  return feed;
}

}  // namespace

// Byte 0: policies; the rest is the datagram.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const FramingOptions framing{.unparsed = static_cast<Unparsed>(how / 8 % 2)};
  const std::string_view parts = input.payload();
  const auto plain = fed(framing, options(how), parts);
  const auto secret = fed(framing, options(how), test::encrypt(parts, "alice", "secret"));
  const auto good = fed(framing, options(how), test::sign(parts, "alice", "secret"));
  const bool all_is_taken =
      options(how).security == CollectdOptions::Security::kNone && options(how).tables != nullptr;
  if (all_is_taken && parts.find('\x02') == std::string_view::npos) {  // no part about security
    PENSTOCK_CHECK(good.counts().events == plain.counts().events);
    PENSTOCK_CHECK(secret.counts().events == plain.counts().events);
  }

  collectd::Tables tables;
  collectd::parse_types_db(parts, tables);
  collectd::parse_auth_file(parts, tables);
  return 0;
}
