#pragma once

#include <uv.h>

#include <memory>

#include "protocols/core/result.h"

namespace penstock {

/// Closes a libuv handle and frees its block in the close callback, one loop turn later. From here on the block has
/// forgotten its owner, so a late callback finds nullptr.
struct CloseThenFree {
  template <class T>
  void operator()(T* handle) const noexcept {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* h) { delete reinterpret_cast<T*>(h); });
  }
};
template <class T>
using UvHandle = std::unique_ptr<T, CloseThenFree>;

/// Allocates and initialises a handle that belongs to `owner`. A handle whose init failed was never in the loop: it is
/// freed here and not closed.
template <class T, class Init>
Result<UvHandle<T>> make_handle(void* owner, const char* what, Init&& init) {
  auto block = std::make_unique<T>();
  if (const int rc = init(block.get()); rc < 0)
    return fail(rc, std::string(what) + ": " + uv_strerror(rc));
  block->data = owner;
  return UvHandle<T>(block.release());
}

}  // namespace penstock
