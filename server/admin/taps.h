#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/admin/http.h"
#include "server/admin/tap.h"
#include "server/pipeline/tap_point.h"

namespace penstock::admin {

/// All who look at records now, and the thread (`admin tap`, nicer than the loops) that shows them the batches. While
/// nobody looks it sleeps and the points are closed.
class Taps {
 public:
  static constexpr std::size_t kMostTaps = 8;

  /// `points` outlive this. `on_bytes`: there is something to read, called on the thread, some 50 times a second at most.
  Taps(std::vector<TapPoint*> points, std::function<void()> on_bytes);
  ~Taps();  ///< stops; readers that are left find nothing more
  Taps(const Taps&) = delete;
  Taps& operator=(const Taps&) = delete;

  /// Ends all taps and the thread, waits a moment for readers to get their rest; on_bytes is not called any more. Harmless
  /// when repeated.
  void stop();

  /// GET /api/tap?listener=NAME&peer=TEXT&contains=TEXT&rate=N&format=json|text. `listener` may be left out where there
  /// is one. The HTTP thread.
  HttpReply open(const HttpRequest& request);

 private:
  using Time = Tap::Time;

  TapPoint* find(const std::string& listener) const;
  std::string names() const;
  std::shared_ptr<Tap> add(TapPoint& point, TapOptions options);
  void run();
  std::vector<std::shared_ptr<Tap>> living();
  void look(TapPoint& point, const std::vector<std::shared_ptr<Tap>>& taps);
  Time wake_readers(bool have_bytes, Time now);

  const std::vector<TapPoint*> points_;
  const std::function<void()> on_bytes_;
  TapBell bell_;
  std::mutex mutex_;  // guards what follows, and that a point is open exactly while it is tapped
  std::vector<std::shared_ptr<Tap>> taps_;
  Time woken_;  // the thread's
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace penstock::admin
