#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "server/config/config.h"

namespace penstock {

/// libcurl of this process, initialised once; main thread.
void init_curl();

/// One POST on its way, and what came back. Its address stays, for libcurl keeps it.
class HttpTransfer {
 public:
  HttpTransfer(const config::HttpSink& http, const std::string& url,
               const std::vector<std::string>& headers, std::string body);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const noexcept { return easy_.get(); }
  /// Why there is no answer, once libcurl has given `result`: `connection refused`. Empty: there is one.
  std::string failure(CURLcode result) const;

  long status() const noexcept;
  const std::string& answer() const noexcept { return answer_; }
  /// By Retry-After; 0 where there is none.
  std::chrono::seconds retry_after() const noexcept;

 private:
  struct EasyCleanup {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };
  struct ListFree {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  void set_tls(const config::HttpSink& http);
  static std::size_t on_answer(char* bytes, std::size_t size, std::size_t count, void* transfer);

  std::unique_ptr<curl_slist, ListFree> headers_;
  std::unique_ptr<CURL, EasyCleanup> easy_;
  std::string body_, answer_;
  std::size_t most_kept_bytes_;  // of the answer
  std::array<char, CURL_ERROR_SIZE> error_{};
};

/// Transfers that run side by side, on one thread.
class HttpTransfers {
 public:
  HttpTransfers();
  void start(HttpTransfer& transfer) { curl_multi_add_handle(multi_.get(), transfer.handle()); }
  void stop(HttpTransfer& transfer) { curl_multi_remove_handle(multi_.get(), transfer.handle()); }

  /// Moves what can be moved without waiting.
  void move();
  /// The handle of one that has ended since the last call, and how; null: none. stop() it.
  CURL* next_ended(CURLcode& result);
  /// Until something can be moved, at most so long.
  void wait(std::chrono::milliseconds most);
  void wake() noexcept { curl_multi_wakeup(multi_.get()); }  ///< any thread: ends wait()

 private:
  struct MultiCleanup {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };
  std::unique_ptr<CURLM, MultiCleanup> multi_;
};

}  // namespace penstock
