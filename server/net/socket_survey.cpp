#include "server/net/socket_survey.h"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace penstock {
namespace {

constexpr std::size_t kConnectionsPerTurn = 256;

/// Shared by the loops and the one who waits, who may give up before them.
struct Survey {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<SocketRow> rows;
  std::size_t loops_left = 0;
  bool given_up = false;
};

/// Takes the lock once a turn. False: nobody waits any more.
bool hand_over(Survey& survey, const std::vector<SocketRow>& rows, bool is_last) {
  const std::lock_guard lock(survey.mutex);
  if (survey.given_up) return false;
  survey.rows.insert(survey.rows.end(), rows.begin(), rows.end());
  if (is_last && --survey.loops_left == 0) survey.changed.notify_all();
  return true;
}

void copy_from(const std::shared_ptr<Survey>& survey, IoLoop& loop, std::size_t place) {
  std::vector<SocketRow> rows;
  rows.reserve(kConnectionsPerTurn);
  const std::size_t next = loop.copy_rows(place, kConnectionsPerTurn, rows);
  const bool is_last = next == static_cast<std::size_t>(-1);
  if (hand_over(*survey, rows, is_last) && !is_last)
    loop.post([survey, &loop, next] { copy_from(survey, loop, next); });
}

}  // namespace

SocketSurvey survey_sockets(std::span<IoLoop* const> loops, std::chrono::milliseconds wait) {
  const auto survey = std::make_shared<Survey>();
  survey->loops_left = loops.size();
  std::size_t connections = 0;
  for (const IoLoop* loop : loops) connections += loop->load().connections;
  survey->rows.reserve(connections + loops.size() * kConnectionsPerTurn);
  for (IoLoop* loop : loops) {
    loop->post([survey, loop] { copy_from(survey, *loop, 0); });
  }
  std::unique_lock lock(survey->mutex);
  const bool complete =
      survey->changed.wait_for(lock, wait, [&] { return survey->loops_left == 0; });
  survey->given_up = true;
  return {std::move(survey->rows), complete};
}

}  // namespace penstock
