#include "fetch/prober.h"

#include <list>
#include <utility>

namespace mtasts {
namespace {

// Answers that nothing was found out.
class NoProber final : public MxProber {
 public:
  explicit NoProber(EventLoop& loop) : loop_(loop) {}

  void probe(const std::string& host, const std::vector<std::string>& /*addresses*/, Callback done) override {
    timers_.push_back(nullptr);
    timers_.back() = loop_.after({}, [host, done = std::move(done)] {
      done(fail(ErrorCode::kEngine, escaped(host) + ": this engine cannot probe an MX host yet"));
    });
  }

 private:
  EventLoop& loop_;
  std::list<std::unique_ptr<EventLoop::Watch>> timers_;
};

}  // namespace

Result<std::unique_ptr<MxProber>> make_prober(EventLoop& loop, const ProberConfig& /*config*/) {
  return std::make_unique<NoProber>(loop);
}

}  // namespace mtasts
