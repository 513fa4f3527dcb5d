#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace penstock {

/// Why something failed. `code` is an errno value (or libuv's negated one); 0 where the system gave none.
/// `message` says what was tried, on what, and why not: `bind tcp://0.0.0.0:514: permission denied`.
struct Error {
  int code = 0;
  std::string message;
};

/// A value or an Error. To become std::expected when the compilers of Debian stable have it.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(int code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace penstock
