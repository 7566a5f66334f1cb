#include "module/io/acceptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "module/io/event_loop.h"
#include "module/io/listen_socket.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/no_more_descriptors.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;

// Two sockets.
class Accepting : public testing::Test {
 protected:
  void accept(int at_once) {
    std::vector<Acceptor::Source> sources;
    for (const auto* address : {&first_, &second_}) {
      sources.push_back({listen_on(*address, {}).value(), [this](Descriptor socket) {
                           taken_.push_back(std::move(socket));
                           loop_->stop();
                         }});
    }
    acceptor_ = std::make_unique<Acceptor>(*loop_, std::move(sources), at_once, [this](int error) {
      errors_.push_back(error);
      loop_->stop();
    });
  }
  void connect(const ListenAddress& address) {
    clients_.push_back(connect_to(address, steady_clock::now() + milliseconds{1000}).value());
  }
  void run_for(milliseconds time) {
    const auto end = loop_->after(time, [this] { loop_->stop(); });
    loop_->run();
  }

  Scratch scratch_;
  std::unique_ptr<EventLoop> loop_ = make_event_loop().value();
  ListenAddress first_ = parse_listen_address("unix:" + scratch_.path() + "/first").value();
  ListenAddress second_ = parse_listen_address("unix:" + scratch_.path() + "/second").value();
  std::vector<Descriptor> taken_;
  std::vector<int> errors_;
  std::vector<Descriptor> clients_;
  std::unique_ptr<Acceptor> acceptor_;
};

TEST_F(Accepting, TakesNoMoreAtOnceThanItIsTold) {
  accept(2);
  for (int i = 0; i < 3; ++i) connect(first_);
  run_for(milliseconds{1000});
  EXPECT_EQ(taken_.size(), 2U);
  run_for(milliseconds{1000});
  EXPECT_EQ(taken_.size(), 3U);
}

TEST_F(Accepting, WithoutADescriptorItPausesAtAllItsSockets) {
  accept(1);
  connect(first_);  // sanitizers need descriptors at the first use of a type
  run_for(milliseconds{1000});
  run_for(milliseconds{1});
  taken_.clear();
  loop_->watch(clients_.front().get(), EventLoop::kRead, [](unsigned) {}).reset();
  connect(first_);
  connect(second_);
  {
    const test::NoMoreDescriptors none;
    run_for(milliseconds{1000});  // until it pauses
    run_for(milliseconds{100});
  }
  EXPECT_THAT(errors_, ElementsAre(EMFILE));
  EXPECT_TRUE(taken_.empty());
  for (std::size_t number : {1U, 2U}) {
    run_for(milliseconds{3000});
    EXPECT_EQ(taken_.size(), number);
  }
}

TEST_F(Accepting, StoppedItListensNoMore) {
  accept(1);
  acceptor_->stop();
  for (const auto* address : {&first_, &second_})
    EXPECT_FALSE(connect_to(*address, steady_clock::now() + milliseconds{100}));
}

}  // namespace
}  // namespace mtasts
