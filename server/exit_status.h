#pragma once

namespace penstock {

/// Exit statuses of the commands (DESIGN.md section 1).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    ///< failed to start, nothing left behind
inline constexpr int kExitUsage = 2;     ///< bad config or usage
inline constexpr int kExitLeftOver = 3;  ///< stopped, not everything was delivered

}  // namespace penstock
