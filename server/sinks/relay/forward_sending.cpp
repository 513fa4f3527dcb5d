#include "server/sinks/relay/forward_sending.h"

#include "server/config/forward_secrets.h"

namespace penstock {

Result<ForwardSending> make_forward_sending(const config::RelayForward& config) {
  ForwardSending sending{.gzip = config.gzip, .ack_timeout = config.ack_timeout};
  if (!config.tag.empty()) {
    auto tag = RecordTemplate::parse(config.tag, config::TimeZone::kUtc);
    if (!tag) return tl::unexpected(tag.error());
    sending.tag = std::move(*tag);
  }
  auto secrets = config::read_forward_client_secrets(config);
  if (!secrets) return tl::unexpected(secrets.error());
  sending.secrets = std::move(*secrets);
  return sending;
}

}  // namespace penstock
