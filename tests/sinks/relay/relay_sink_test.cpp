#include "server/sinks/relay/relay_sink.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "server/sinks/raw_encoder.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/relay/receiver.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

const Origin kOrigin{"one", "tcp://127.0.0.1:1"};

config::Sink relay_to(const std::vector<std::string>& urls,
                      config::Balance balance = config::Balance::kFailover) {
  config::Sink sink{.name = "out", .type = config::SinkType::kRelay};
  sink.newlines = config::Newlines::kKeep;
  for (const std::string& url : urls) sink.relay.to.push_back({url, {}});
  sink.relay.balance = balance;
  return sink;
}

std::vector<std::string> numbered(std::size_t first, std::size_t count, std::size_t size = 0) {
  std::vector<std::string> records;
  for (std::size_t i = first; i < first + count; ++i) {
    std::string record = std::to_string(i) + ' ';
    record.resize(std::max(size, record.size()), 'x');
    records.push_back(std::move(record));
  }
  return records;
}

Batch lines(const std::vector<std::string>& records, const Peer& peer = {},
            std::size_t capacity = std::size_t{1} << 16) {
  return BatchBuilder(capacity).lines(kOrigin, peer, 0, records).take();
}

/// 8 MB: more than the sockets' buffers hold.
Batch large() { return lines(numbered(0, 80'000, 100), {}, std::size_t{9} << 20); }

/// As the runner does it, `meanwhile` between two calls: what becomes of the batch.
WriteStatus run(
    Sink& sink, const Batch& batch, const std::function<void()>& meanwhile = [] {}) {
  WriteStatus status = sink.write(batch);
  eventually([&] {
    meanwhile();
    if (status == WriteStatus::kRetry) status = sink.write(batch);
    if (status == WriteStatus::kPending)
      for (const Finished& finished : sink.poll(5ms)) status = finished.status;
    return status == WriteStatus::kDelivered;
  });
  return status;
}

/// Until it says something else than kPending.
WriteStatus next_word(Sink& sink, const Batch& batch) {
  WriteStatus status = sink.write(batch);
  eventually([&] {
    if (status == WriteStatus::kPending)
      for (const Finished& finished : sink.poll(100ms)) status = finished.status;
    return status != WriteStatus::kPending;
  });
  return status;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

/// Unix sockets lie in `folder`.
std::string with_folder(const std::string& url, const TempDir& folder) {
  if (!url.starts_with("unix")) return url;
  const std::size_t name = url.find("://") + 3;
  return url.substr(0, name) + (folder / url.substr(name));
}

std::size_t number_of(const std::string& record) { return std::stoul(record); }

}  // namespace

TEST_CASE("relay: streams carry each record once and in order, then FIN, and wait for the peer's",
          "[relay]") {
  const TempDir folder;
  const std::string url = with_folder(
      GENERATE(as<std::string>{}, "tcp://127.0.0.1:0", "tcp6://[::1]:0", "unix://relay.sock"),
      folder);
  CAPTURE(url);
  Receiver receiver(url);
  RelaySink sink(relay_to({receiver.url()}));
  REQUIRE(sink.open());
  UniqueFd peer;
  std::string got;
  const auto read = [&] {
    if (!peer) peer = receiver.accept();
    got += read_now(peer.get());
  };
  std::string sent;
  for (std::size_t i = 0; i < 3; ++i) {
    const Batch batch = lines(numbered(i * 100, 100));
    sent.append(batch.block->data(), batch.end);
    CHECK(run(sink, batch, read) == WriteStatus::kDelivered);
    CHECK(sink.undeliverable(batch).empty());
  }
  // The peer's FIN comes first here, so that nobody waits: close() is done when both are there.
  REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
  REQUIRE(sink.close());
  bool ended = false;
  got += read_now(peer.get(), &ended);
  CHECK(ended);
  CHECK(got == sent);
}

TEST_CASE("relay: messages carry one record each", "[relay]") {
  const TempDir folder;
  const std::string url = with_folder(GENERATE(as<std::string>{}, "udp://127.0.0.1:0",
                                               "udp6://[::1]:0", "unixgram://d", "unixpacket://p"),
                                      folder);
  CAPTURE(url);
  Receiver receiver(url, std::size_t{1} << 20);
  RelaySink sink(relay_to({receiver.url()}));
  std::vector<std::string> sent = numbered(0, 70, 20);
  const auto others = numbered(70, 70);  // of two lengths
  sent.insert(sent.end(), others.begin(), others.end());
  sent.push_back("with\nnewlines\n");
  const Batch batch = BatchBuilder().opaque(kOrigin, {}, 0, sent).take();
  UniqueFd peer;
  std::vector<std::string> got;
  const auto read = [&] {
    if (!peer && url.starts_with("unixpacket")) peer = receiver.accept();
    const auto more = messages_now(peer ? peer.get() : receiver.fd());
    got.insert(got.end(), more.begin(), more.end());
  };
  CHECK(run(sink, batch, read) == WriteStatus::kDelivered);
  CHECK(eventually([&] {
    read();
    return got.size() >= sent.size();
  }));
  CHECK(got == sent);
}

TEST_CASE("relay: what no datagram can hold is told, the others arrive", "[relay]") {
  Receiver receiver("udp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = BatchBuilder(std::size_t{1} << 18)
                          .opaque(kOrigin, {}, 0, {"a", std::string(65'508, 'x'), "b"})
                          .take();
  CHECK(run(sink, batch) == WriteStatus::kDelivered);
  const auto lost = sink.undeliverable(batch);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].frames.first == 1);
  CHECK(lost[0].frames.count == 1);
  CHECK(lost[0].loss == RouteLoss::kUnencodable);
  std::vector<std::string> got;
  CHECK(eventually([&] {
    for (std::string& message : messages_now(receiver.fd())) got.push_back(std::move(message));
    return got.size() == 2;
  }));
  CHECK(got == std::vector<std::string>{"a", "b"});
}

TEST_CASE("relay: what no datagram can hold is told once, though what follows is refused",
          "[relay]") {
  Receiver receiver("udp://127.0.0.1:0");
  receiver.close();
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = BatchBuilder(std::size_t{1} << 18)
                          .opaque(kOrigin, {}, 0, {"a", std::string(70'000, 'x'), "b", "c"})
                          .take();
  CHECK(run(sink, batch) == WriteStatus::kDelivered);  // each refusal costs one that was sent
  CHECK(sink.undeliverable(batch).size() == 1);
}

TEST_CASE("relay: who accepts and closes at once is away, and no place to empty a queue into",
          "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = large();
  WriteStatus status = sink.write(batch);
  eventually([&] {
    receiver.accept_now();
    for (const Finished& finished : sink.poll(5ms)) status = finished.status;
    return status != WriteStatus::kPending;
  });
  CHECK(status == WriteStatus::kRetry);
  CHECK(sink.last_error().find(receiver.url()) != std::string::npos);
}

TEST_CASE("relay: a newline in a record breaks no stream", "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = BatchBuilder().opaque(kOrigin, {}, 0, {"a", "b\nc", "d"}).take();
  CHECK(run(sink, batch) == WriteStatus::kDelivered);
  REQUIRE(sink.undeliverable(batch).size() == 1);
  CHECK(sink.undeliverable(batch)[0].frames.first == 1);
  CHECK(read_now(receiver.accept().get()) == "a\nd\n");
}

TEST_CASE("relay: on unix delivered means read", "[relay]") {
  const TempDir folder;
  Receiver receiver("unix://" + (folder / "relay.sock"));
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = lines(numbered(0, 10));
  CHECK(sink.write(batch) == WriteStatus::kPending);
  const UniqueFd peer = receiver.accept();
  CHECK(sink.poll(1ms).empty());
  read_now(peer.get());
  CHECK(run(sink, batch) == WriteStatus::kDelivered);
}

TEST_CASE("relay: a receiver that resets gets what it had not, from a whole record on", "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = large();
  const std::vector<std::string> sent = split_lines({batch.block->data(), batch.end});
  UniqueFd first, second;
  std::string before, after;
  bool gone = false;
  const auto meanwhile = [&] {
    if (!first && !gone) first = receiver.accept();
    if (!gone) before += read_now(first.get());
    if (!gone && before.size() > 3'000'000) {
      const linger reset{1, 0};
      ::setsockopt(first.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(first.release());
      gone = true;
    }
    if (gone && !second) second = receiver.accept_now();
    if (second) after += read_now(second.get());
  };
  CHECK(run(sink, batch, meanwhile) == WriteStatus::kDelivered);
  CHECK(eventually([&] {
    after += read_now(second.get());
    return after.ends_with(sent.back() + '\n');
  }));
  const auto whole = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::vector<std::string> again = split_lines(after);
  REQUIRE(!again.empty());
  const std::size_t from = number_of(again.front());
  CAPTURE(whole, from);
  CHECK(from > 0);
  CHECK(from >= whole - 1);  // a record may be repeated, of which the last bytes were on their way
  CHECK(again ==
        std::vector<std::string>(sent.begin() + static_cast<std::ptrdiff_t>(from), sent.end()));
}

TEST_CASE("relay: a receiver that ends in order gets whole records, the next one the others",
          "[relay]") {
  const TempDir folder;
  const std::string url =
      with_folder(GENERATE(as<std::string>{}, "tcp://127.0.0.1:0", "unix://relay.sock"), folder);
  CAPTURE(url);
  Receiver receiver(url);
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = large();
  const std::string sent(batch.block->data(), batch.end);
  UniqueFd first, second;
  std::string got;
  bool asked = false, ended = false;
  const auto meanwhile = [&] {
    if (!first) first = receiver.accept();
    if (!asked && got.size() > 1'000'000) {
      asked = true;
      ::shutdown(first.get(), SHUT_WR);
    }
    if (!ended) got += read_now(first.get(), &ended);
    if (!ended) return;
    if (!second) {
      CHECK(got.back() == '\n');
      CHECK(got.size() < sent.size());
      second = receiver.accept_now();
    }
    if (second) got += read_now(second.get());
  };
  CHECK(run(sink, batch, meanwhile) == WriteStatus::kDelivered);
  CHECK(eventually([&] {
    got += read_now(second.get());
    return got.size() >= sent.size();
  }));
  CHECK(got == sent);
}

TEST_CASE("relay: a receiver that has ended may read on for as long as it likes", "[relay]") {
  using Clock = Upstream::Clock;
  Receiver receiver("tcp://127.0.0.1:0", 4096);
  const RawEncoder encoder(config::Newlines::kKeep);
  RelayStatistics statistics;
  Upstream upstream(*parse_url(receiver.url()), encoder, nullptr, statistics, "out");
  const Batch batch = large();
  const std::vector<std::uint32_t> next{kNoSegment};
  RelayPart part{.batch = &batch, .next = &next};
  part.at = RecordChain(batch, next, encoder).begin(0);
  auto now = Clock::now();
  UniqueFd peer;
  upstream.push(part);
  eventually([&] {
    upstream.drive(now);
    if (!peer) peer = receiver.accept_now();
    return peer && upstream.unarrived_bytes() > 100'000;
  });
  REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
  eventually([&] {
    upstream.drive(now);
    return !upstream.up();
  });
  REQUIRE(part.upstream == &upstream);
  std::string got;
  std::array<char, 16384> buffer;
  ssize_t n = 1;
  const auto slow_turn = [&] {
    n = ::recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) got.append(buffer.data(), static_cast<std::size_t>(n));
    return upstream.drive(now) || n == 0 || (n < 0 && errno != EAGAIN);
  };
  for (int turns = 0; n != 0 && turns < 10'000; ++turns) {
    eventually(slow_turn);
    REQUIRE((n >= 0 || errno == EAGAIN));
    now += 1500ms;
  }
  CHECK(n == 0);
  REQUIRE(part.upstream == nullptr);
  CHECK_FALSE(part.arrived);
  CHECK(part.at.skip == 0);
  CHECK(static_cast<std::size_t>(std::count(got.begin(), got.end(), '\n')) == part.at.frame);
  CHECK(got.ends_with('\n'));
}

TEST_CASE("relay: nobody there is said, with URL and reason, and batches keep their order",
          "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  const std::string url = receiver.url();
  receiver.close();
  RelaySink sink(relay_to({url}));
  const Batch first = lines(numbered(0, 10)), second = lines(numbered(10, 10));
  CHECK(next_word(sink, first) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "connect " + url + ": connection refused");
  Receiver again(url);
  CHECK(run(sink, first) == WriteStatus::kDelivered);
  CHECK(run(sink, second) == WriteStatus::kDelivered);
  const auto got = split_lines(read_now(again.accept().get()));
  REQUIRE(got.size() == 20);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(number_of(got[i]) == i);
}

TEST_CASE("relay: a receiver that takes nothing more is said, and goes on where it stood",
          "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = large();
  CHECK(next_word(sink, batch) == WriteStatus::kRetry);
  CHECK(sink.last_error().find("takes nothing more") != std::string::npos);
  const UniqueFd peer = receiver.accept();
  std::string got;
  CHECK(run(sink, batch, [&] { got += read_now(peer.get()); }) == WriteStatus::kDelivered);
  got += read_now(peer.get());
  CHECK(got == std::string(batch.block->data(), batch.end));
}

TEST_CASE("relay: what is abandoned is told from the first record on that has not arrived",
          "[relay]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({receiver.url()}));
  const Batch batch = large(), later = lines(numbered(0, 7));
  CHECK(next_word(sink, batch) == WriteStatus::kRetry);
  CHECK(sink.write(later) == WriteStatus::kPending);
  UniqueFd peer = receiver.accept();
  const auto undelivered = sink.abandon(batch);
  REQUIRE(undelivered.size() == 1);
  CHECK(undelivered[0].first > 0);
  CHECK(undelivered[0].first + undelivered[0].count == batch.frames.size());
  const auto all_of_later = sink.abandon(later);
  REQUIRE(all_of_later.size() == 1);
  CHECK(all_of_later[0].count == 7);
  REQUIRE(sink.close());
  // Half a record never looks whole: without room for its end the connection was reset.
  std::string got;
  bool ended = false;
  CHECK(eventually([&] {
    got += read_now(peer.get(), &ended);
    return ended;
  }));
  const auto whole = static_cast<std::size_t>(std::count(got.begin(), got.end(), '\n'));
  CHECK(whole >= undelivered[0].first);
}

TEST_CASE("relay: failover takes the first that can be reached", "[relay][balance]") {
  Receiver first("tcp://127.0.0.1:0"), second("tcp://127.0.0.1:0");
  const std::string url = first.url();
  RelaySink sink(relay_to({url, second.url()}));
  const Batch one = lines(numbered(0, 10)), two = lines(numbered(10, 10));
  CHECK(run(sink, one) == WriteStatus::kDelivered);
  {
    const UniqueFd peer = first.accept();
    CHECK(split_lines(read_now(peer.get())).size() == 10);
    first.close();
  }
  CHECK(run(sink, two) == WriteStatus::kDelivered);
  const auto got = split_lines(read_now(second.accept().get()));
  REQUIRE(got.size() == 10);
  CHECK(number_of(got.front()) == 10);
}

TEST_CASE("relay: round robin gives a batch each, and passes over who is behind",
          "[relay][balance]") {
  Receiver first("tcp://127.0.0.1:0"), second("tcp://127.0.0.1:0");
  RelaySink sink(relay_to({first.url(), second.url()}, config::Balance::kRoundRobin));
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < 4; ++i) batches.push_back(lines(numbered(i, 1)));
  for (const Batch& batch : batches) CHECK(run(sink, batch) == WriteStatus::kDelivered);
  UniqueFd one = first.accept(), two = second.accept();
  CHECK(read_now(one.get()) == "0 \n2 \n");
  CHECK(read_now(two.get()) == "1 \n3 \n");
  const Batch slow = large();  // nobody reads the first receiver
  CHECK(sink.write(slow) == WriteStatus::kPending);
  for (const Batch& batch : batches) {
    WriteStatus status = sink.write(batch);
    CHECK(eventually([&] {
      for (const Finished& finished : sink.poll(1ms))
        if (finished.batch == &batch) status = finished.status;
      return status == WriteStatus::kDelivered;
    }));
  }
  CHECK(read_now(two.get()) == "0 \n1 \n2 \n3 \n");
}

TEST_CASE("relay: hash keeps a peer's records together, and gives those of a dead receiver away",
          "[relay][balance]") {
  std::vector<std::unique_ptr<Receiver>> receivers;
  std::vector<std::string> urls;
  for (int i = 0; i < 3; ++i) {
    receivers.push_back(std::make_unique<Receiver>("tcp://127.0.0.1:0"));
    urls.push_back(receivers.back()->url());
  }
  RelaySink sink(relay_to(urls, config::Balance::kHash));
  const auto batch_of_all = [](std::size_t round) {
    BatchBuilder builder;
    for (std::uint8_t peer = 0; peer < 60; ++peer)
      builder.lines(
          kOrigin, inet_peer(10, 0, 0, peer), 0,
          {std::to_string(peer) + " a" + std::to_string(round), std::to_string(peer) + " b"});
    return builder.take();
  };
  const Batch first = batch_of_all(0), second = batch_of_all(1);
  CHECK(run(sink, first) == WriteStatus::kDelivered);
  std::vector<UniqueFd> peers;
  std::vector<std::set<std::size_t>> owners(3);
  std::size_t records = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    peers.push_back(receivers[i]->accept());
    for (const std::string& record : split_lines(read_now(peers[i].get()))) {
      owners[i].insert(number_of(record));
      ++records;
    }
    CHECK(owners[i].size() > 5);
  }
  CHECK(records == 120);
  CHECK(owners[0].size() + owners[1].size() + owners[2].size() == 60);
  receivers[1]->close();
  peers[1].reset();
  CHECK(run(sink, second) == WriteStatus::kDelivered);
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    std::set<std::size_t> now;
    for (const std::string& record : split_lines(read_now(peers[i].get())))
      now.insert(number_of(record));
    CHECK(std::includes(now.begin(), now.end(), owners[i].begin(), owners[i].end()));
    CHECK(now.size() > owners[i].size());
  }
}
