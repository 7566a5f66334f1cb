// How many questions one resolver gets at the same time: as many as are allowed while it answers, half as many for each
// round without an answer, in the end one - and none for a moment after a connection failed. So a resolver that is
// overloaded, restarting or gone is not hammered. Holds for one resolver; time is an argument.
#pragma once

#include <chrono>

#include "core/time.h"

namespace mtasts {

class ConcurrencyLimit {
 public:
  // How long nothing is asked after a connection failed.
  static constexpr std::chrono::milliseconds kPause{200};

  // `most`: at least 1.
  explicit ConcurrencyLimit(unsigned most) : most_(most), limit_(most) {}

  // How many questions may be under way; none during a pause.
  [[nodiscard]] unsigned limit(SteadyTime now) const { return now >= closed_until_ ? limit_ : 0; }
  // Has anything been answered since then? Then questions that wait do so because of `most`.
  [[nodiscard]] bool has_answered_since(SteadyTime time) const { return last_answer_ > time; }
  // Not before.
  [[nodiscard]] SteadyTime closed_until() const { return closed_until_; }

  // One of these for each question. Whatever the answer is: it was there.
  void answered(SteadyTime now);
  // A question asked to find out, beside the others, was answered.
  void found_alive(SteadyTime now);
  // True when it may be the resolver's fault. It is not when others were answered meanwhile: the question is about a
  // name whose own servers are slow.
  bool timed_out(SteadyTime asked_at, SteadyTime now);
  void unreachable(SteadyTime asked_at, SteadyTime now);

 private:
  // At most once for all that were in flight together.
  void shrink(SteadyTime asked_at, SteadyTime now);

  unsigned most_;
  unsigned limit_;
  SteadyTime last_answer_{};
  SteadyTime last_shrunk_{};
  SteadyTime closed_until_{};
};

}  // namespace mtasts
