#include "module/io/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;

TEST(EventLoop, EndsAtOnceWhenNothingIsWatched) { make_event_loop().value()->run(); }

TEST(EventLoop, CallsTimersInTheOrderOfTheirTime) {
  const auto loop = make_event_loop().value();
  std::string order;
  const auto late = loop->after(milliseconds{40}, [&] { order += "b"; });
  const auto early = loop->after(milliseconds{5}, [&] { order += "a"; });
  const auto begin = steady_clock::now();
  loop->run();
  EXPECT_EQ(order, "ab");
  EXPECT_GE(steady_clock::now() - begin, milliseconds{35});
}

// Or what is asked after a callback that took long would be out of time at once.
TEST(EventLoop, ATimerBeginsWhenItIsMadeNotWhenTheRoundBegan) {
  const auto loop = make_event_loop().value();
  std::unique_ptr<EventLoop::Watch> timer;
  steady_clock::time_point made;
  steady_clock::duration took{};
  const auto slow = loop->after(milliseconds{0}, [&] {
    std::this_thread::sleep_for(milliseconds{200});
    made = steady_clock::now();
    timer = loop->after(milliseconds{100}, [&] { took = steady_clock::now() - made; });
  });
  loop->run();
  EXPECT_GE(took, milliseconds{90});
}

TEST(EventLoop, ANegativeDelayIsNone) {
  const auto loop = make_event_loop().value();
  bool called = false;
  const auto timer = loop->after(milliseconds{-5}, [&] { called = true; });
  loop->run();
  EXPECT_TRUE(called);
}

TEST(EventLoop, TellsReadingAndWritingApart) {
  const auto loop = make_event_loop().value();
  const auto pair = test::socket_pair();
  ASSERT_EQ(write(pair.theirs.get(), "x", 1), 1);
  std::vector<unsigned> seen;
  std::unique_ptr<EventLoop::Watch> reading;
  std::unique_ptr<EventLoop::Watch> writing;
  reading = loop->watch(pair.ours.get(), EventLoop::kRead, [&](unsigned ready) {
    seen.push_back(ready);
    reading.reset();
    writing = loop->watch(pair.ours.get(), EventLoop::kWrite, [&](unsigned now_ready) {
      seen.push_back(now_ready);
      writing.reset();
    });
  });
  loop->run();
  EXPECT_THAT(seen, ElementsAre(EventLoop::kRead, EventLoop::kWrite));
}

TEST(EventLoop, CallsAgainAsLongAsASocketIsReady) {
  const auto loop = make_event_loop().value();
  const auto pair = test::socket_pair();
  ASSERT_EQ(write(pair.theirs.get(), "x", 1), 1);
  int calls = 0;
  const auto watch = loop->watch(pair.ours.get(), EventLoop::kRead, [&](unsigned) {
    if (++calls == 3) loop->stop();
  });
  loop->run();
  EXPECT_EQ(calls, 3);
}

TEST(EventLoop, AWatchMayBeDestroyedInsideItsOwnCallback) {
  const auto loop = make_event_loop().value();
  const auto pair = test::socket_pair();
  ASSERT_EQ(write(pair.theirs.get(), "x", 1), 1);
  std::string said;
  const std::string captured(100, 'x');  // would be read after its end
  std::unique_ptr<EventLoop::Watch> watch;
  watch = loop->watch(pair.ours.get(), EventLoop::kRead | EventLoop::kWrite, [&, captured](unsigned) {
    watch.reset();
    said += captured;
  });
  std::unique_ptr<EventLoop::Watch> timer;
  timer = loop->after(milliseconds{0}, [&, captured] {
    timer.reset();
    said += captured;
  });
  loop->run();
  EXPECT_EQ(said, captured + captured);
}

TEST(EventLoop, ADestroyedWatchCallsNothingEvenWhenItWasReady) {
  const auto loop = make_event_loop().value();
  const auto pair = test::socket_pair();
  ASSERT_EQ(write(pair.theirs.get(), "x", 1), 1);
  int calls = 0;
  std::unique_ptr<EventLoop::Watch> first;
  std::unique_ptr<EventLoop::Watch> second;
  first = loop->watch(pair.ours.get(), EventLoop::kRead, [&](unsigned) {
    ++calls;
    first.reset();
    second.reset();
  });
  second = loop->watch(pair.ours.get(), EventLoop::kRead, [&](unsigned) {
    ++calls;
    first.reset();
    second.reset();
  });
  loop->run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, StopsInTheMiddle) {
  const auto loop = make_event_loop().value();
  bool called = false;
  const auto far = loop->after(std::chrono::hours{1}, [&] { called = true; });
  const auto near = loop->after(milliseconds{1}, [&] { loop->stop(); });
  loop->run();
  EXPECT_FALSE(called);
}

TEST(EventLoop, RunsAgainAfterAStop) {
  const auto loop = make_event_loop().value();
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    const auto timer = loop->after(milliseconds{1}, [&] {
      ++calls;
      loop->stop();
    });
    loop->run();
  }
  EXPECT_EQ(calls, 2);
}

TEST(EventLoop, KeepsSigpipeAwayAndLeavesNothingBehind) {
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &before), 0);
  ASSERT_EQ(before.sa_handler, SIG_DFL) << "a SIGPIPE that gets through ends this test";
  {
    const auto loop = make_event_loop().value();
    const auto pair = test::socket_pair();
    shutdown(pair.theirs.get(), SHUT_RDWR);
    EXPECT_EQ(write(pair.ours.get(), "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
  }
  sigset_t pending;
  sigset_t mask;
  sigpending(&pending);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 0);
}

TEST(EventLoop, LeavesABlockedSigpipeBlocked) {
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);
  static_cast<void>(make_event_loop().value());
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 1);
  pthread_sigmask(SIG_UNBLOCK, &sigpipe, nullptr);
}

}  // namespace
}  // namespace mtasts
