#include <algorithm>

#include "protocols/core/check.h"
#include "protocols/forward/client.h"
#include "tests/fuzz/input.h"

// What a receiver may answer a relay sink of protocol "forward" with, as a whole and in pieces: both say the same of it, and
// acknowledge the same. Ids are never longer than an answer may be.
namespace {

using namespace penstock;

struct Heard {
  std::string why, reply;
  std::vector<std::string> acks;
  bool ready = false;

  friend bool operator==(const Heard&, const Heard&) = default;
};

Heard hear(const ForwardClientSecrets* secrets, std::string_view bytes, fuzz::Cuts* cuts) {
  forward::Client client(secrets);
  Heard heard;
  while (!bytes.empty() && heard.why.empty()) {
    const std::size_t size = cuts == nullptr ? bytes.size() : std::min(cuts->next(), bytes.size());
    heard.why = client.hear(bytes.substr(0, size), heard.reply, heard.acks);
    bytes.remove_prefix(size);
  }
  heard.ready = client.ready();
  return heard;
}

}  // namespace

// Bytes 0 and 1: cuts, and whether there are secrets and a user; the rest is what is heard.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Cuts cuts(input.byte());
  const std::uint8_t how = input.byte();
  ForwardClientSecrets secrets{.shared_key = "key", .host_name = "client"};
  if (how % 4 == 2) secrets.user = "user";
  secrets.fill_random = [](std::span<char> bytes) { std::ranges::fill(bytes, 'S'); };
  const ForwardClientSecrets* known = how % 4 == 0 ? nullptr : &secrets;

  const Heard whole = hear(known, input.payload(), nullptr);
  PENSTOCK_CHECK(hear(known, input.payload(), &cuts) == whole);
  PENSTOCK_CHECK(known != nullptr || (whole.ready && whole.reply.empty()));
  PENSTOCK_CHECK(whole.acks.empty() || whole.ready);
  for (const std::string& id : whole.acks)
    PENSTOCK_CHECK(!id.empty() && id.size() < forward::Client::kMaxAnswerBytes);
  return 0;
}
