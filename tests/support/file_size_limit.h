#pragma once

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>

namespace penstock::test {

/// A full disk for this process: writes beyond `bytes` of a file are cut short, then fail.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    const rlimit limit{bytes, old_limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    CHECK(::setrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  void (*old_handler_)(int);
  rlimit old_limit_{};
};

}  // namespace penstock::test
