#pragma once

#include <cstdio>
#include <cstdlib>

/// Aborts with file and line when `condition` does not hold: a bug in this program, never a peer's or an
/// operator's mistake. On in every build.
#define PENSTOCK_CHECK(condition)                                                         \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "penstock: bug: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)
