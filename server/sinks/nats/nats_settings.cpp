#include "server/sinks/nats/nats_settings.h"

#include <cstdint>
#include <string_view>

namespace penstock {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 2000;

/// Without it libnats writes to stderr; natsConnection_GetLastError has the same.
void ignore_error(natsConnection*, natsSubscription*, natsStatus, void*) {}

std::string host_of(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

natsStatus set_identity(natsOptions* options, const config::NatsSink& nats) {
  if (!nats.user.empty())
    return natsOptions_SetUserInfo(options, nats.user.c_str(), nats.password.c_str());
  if (!nats.token.empty()) return natsOptions_SetToken(options, nats.token.c_str());
  if (!nats.credentials_file.empty())
    return natsOptions_SetUserCredentialsFromFiles(options, nats.credentials_file.c_str(), nullptr);
  if (!nats.nkey.empty())
    return natsOptions_SetNKeyFromSeed(options, nats.nkey.c_str(), nats.nkey_seed_file.c_str());
  return NATS_OK;
}

natsStatus set_tls(natsOptions* options, const config::NatsSink& nats, const std::string& server) {
  if (!server.starts_with("tls://")) return NATS_OK;
  natsStatus status = natsOptions_SetSecure(options, true);
  if (status == NATS_OK) status = natsOptions_SetExpectedHostname(options, host_of(server).c_str());
  if (status == NATS_OK && !nats.ca_file.empty())
    status = natsOptions_LoadCATrustedCertificates(options, nats.ca_file.c_str());
  if (status == NATS_OK && !nats.client_cert.empty())
    status = natsOptions_LoadCertificatesChain(options, nats.client_cert.c_str(),
                                               nats.client_key.c_str());
  return status;
}

/// The owner does the I/O, so that no call ever waits for the socket; and it connects again, so that nothing is kept back and
/// sent behind its back.
natsStatus set_conduct(natsOptions* options) {
  natsStatus status = natsOptions_SetAllowReconnect(options, false);
  if (status == NATS_OK) status = natsOptions_SetPingInterval(options, 0);  // see NatsLink
  if (status == NATS_OK) status = natsOptions_SetTimeout(options, kConnectTimeoutMs);
  if (status == NATS_OK) status = natsOptions_SetSendAsap(options, true);
  if (status == NATS_OK) status = natsOptions_SetErrorHandler(options, ignore_error, nullptr);
  return status;
}

}  // namespace

Result<NatsOptions> nats_options(const config::Sink& sink, const std::string& server) {
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  NatsOptions options(made);
  if (status == NATS_OK) status = natsOptions_SetURL(made, server.c_str());
  if (status == NATS_OK) status = natsOptions_SetName(made, ("penstock " + sink.name).c_str());
  if (status == NATS_OK) status = set_conduct(made);
  if (status == NATS_OK) status = set_identity(made, sink.nats);
  if (status == NATS_OK) status = set_tls(made, sink.nats, server);
  if (status != NATS_OK) return fail(status, nats_error_text(status));
  return options;
}

std::string nats_error_text(natsStatus status) {
  std::string text = natsStatus_GetText(status);
  natsStatus last = NATS_OK;
  const char* const words = nats_GetLastError(&last);
  if (words != nullptr && last == status && *words != '\0' && text != words)
    text += std::string(": ") + words;
  return text;
}

}  // namespace penstock
