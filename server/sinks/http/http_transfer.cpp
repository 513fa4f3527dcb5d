#include "server/sinks/http/http_transfer.h"

#include <algorithm>
#include <mutex>

#include "protocols/core/check.h"

namespace penstock {
namespace {

constexpr std::size_t kMostKeptBytes = std::size_t{64} << 10;
/// An answer to _bulk names each record, and counts only as a whole.
constexpr std::size_t kMostKeptOfBulkBytes = std::size_t{64} << 20;

template <class Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  PENSTOCK_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

}  // namespace

void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] { PENSTOCK_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

HttpTransfer::HttpTransfer(const config::HttpSink& http, const std::string& url,
                           const std::vector<std::string>& headers, std::string body)
    : easy_(curl_easy_init()),
      body_(std::move(body)),
      most_kept_bytes_(http.preset == config::HttpPreset::kElasticsearch ? kMostKeptOfBulkBytes
                                                                         : kMostKeptBytes) {
  PENSTOCK_CHECK(easy_ != nullptr);
  for (const std::string& line : headers) {
    curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
    PENSTOCK_CHECK(longer != nullptr);
    static_cast<void>(headers_.release());  // it is the head of `longer`
    headers_.reset(longer);
  }
  CURL* const easy = easy_.get();
  set_option(easy, CURLOPT_URL, url.c_str());
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer is not waited for
  set_option(easy, CURLOPT_POST, 1L);
  set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  set_option(easy, CURLOPT_POSTFIELDS, body_.data());
  set_option(easy, CURLOPT_HTTPHEADER, headers_.get());
  set_option(easy, CURLOPT_USERAGENT, "penstock");
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(http.timeout.count()));
  set_option(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(http.timeout.count()));
  set_option(easy, CURLOPT_ERRORBUFFER, error_.data());
  set_option(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::on_answer);
  set_option(easy, CURLOPT_WRITEDATA, this);
  set_option(easy, CURLOPT_PRIVATE, this);
  set_tls(http);
}

void HttpTransfer::set_tls(const config::HttpSink& http) {
  CURL* const easy = easy_.get();
  if (!http.ca_file.empty()) set_option(easy, CURLOPT_CAINFO, http.ca_file.c_str());
  if (!http.client_cert.empty()) set_option(easy, CURLOPT_SSLCERT, http.client_cert.c_str());
  if (!http.client_key.empty()) set_option(easy, CURLOPT_SSLKEY, http.client_key.c_str());
}

/// An answer beyond what is kept is read to its end all the same.
std::size_t HttpTransfer::on_answer(char* bytes, std::size_t size, std::size_t count,
                                    void* transfer) {
  auto* self = static_cast<HttpTransfer*>(transfer);
  const std::size_t room = self->most_kept_bytes_ - self->answer_.size();
  self->answer_.append(bytes, std::min(room, size * count));
  return size * count;
}

std::string HttpTransfer::failure(CURLcode result) const {
  if (result == CURLE_OK) return {};
  return error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
}

long HttpTransfer::status() const noexcept {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::chrono::seconds HttpTransfer::retry_after() const noexcept {
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
  return std::chrono::seconds(seconds);
}

HttpTransfers::HttpTransfers() : multi_(curl_multi_init()) { PENSTOCK_CHECK(multi_ != nullptr); }

void HttpTransfers::move() {
  int running = 0;
  curl_multi_perform(multi_.get(), &running);
}

CURL* HttpTransfers::next_ended(CURLcode& result) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    result = message->data.result;
    return message->easy_handle;
  }
  return nullptr;
}

void HttpTransfers::wait(std::chrono::milliseconds most) {
  curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(most.count()), nullptr);
}

}  // namespace penstock
