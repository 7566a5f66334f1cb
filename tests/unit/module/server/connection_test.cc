// What a connection does with what its client sends, over real sockets.
#include "module/server/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "tests/unit/module/server/serving.h"
#include "tests/unit/sockets.h"

namespace mtasts::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Serving, AnswersWhatIsKnownAtOnce) {
  const Client client = connect();
  say(client, "known a");
  EXPECT_EQ(heard(client), "10:OK known a,");
  say(client, "known b");
  EXPECT_EQ(heard(client), "10:OK known b,");
}

TEST_F(Serving, AnswersTheRestWhenItIsFoundOutAndOthersMeanwhile) {
  const Client slow = connect();
  const Client quick = connect();
  say(slow, "a");
  say(quick, "known b");
  EXPECT_EQ(heard(quick), "10:OK known b,");
  EXPECT_THAT(slow.received(), IsEmpty());
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(slow), "2:OK,");
}

TEST_F(Serving, PipelinedRequestsAreAnsweredInOrderOneAtATime) {
  const Client client = connect();
  client.send("7:known a,1:b,7:known c,1:d,");
  EXPECT_EQ(heard(client), "10:OK known a,");
  EXPECT_EQ(handler_.waiting.size(), 1U);
  handler_.waiting.at(0)("1:B,");
  EXPECT_EQ(heard(client), "1:B,10:OK known c,");
  handler_.waiting.at(1)("1:D,");
  EXPECT_EQ(heard(client), "1:D,");
}

TEST_F(Serving, ARequestMayComeByteByByte) {
  const Client client = connect();
  for (const char byte : std::string("7:known a,")) {
    client.send({&byte, 1});
    turn();
  }
  EXPECT_EQ(heard(client), "10:OK known a,");
}

TEST_F(Serving, GarbageIsDroppedAndHarmsNobody) {
  const Client good = connect();
  const Client bad = connect();
  bad.send("GET / HTTP/1.1\r\n\r\n");
  turn();
  EXPECT_TRUE(bad.is_closed());
  EXPECT_EQ(handler_.complaints.size(), 1U);
  say(good, "known a");
  EXPECT_EQ(heard(good), "10:OK known a,");
}

TEST_F(Serving, AnOversizedRequestIsDroppedAsSoonAsItsLengthIsKnown) {
  const Client client = connect();
  client.send("10001:");
  turn();
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Serving, TheLargestRequestIsAnswered) {
  const Client client = connect();
  say(client, "known" + std::string(kMaxRequest - 5, 'x'));
  EXPECT_THAT(heard(client), HasSubstr("xxx,"));
}

TEST_F(Serving, ARefusedRequestIsAnsweredAndTheConnectionStays) {
  const Client client = connect();
  client.send("7:refused,7:known a,");
  EXPECT_EQ(heard(client), "4:TEMP,10:OK known a,");
  EXPECT_FALSE(client.is_closed());
}

TEST_F(Serving, WhoHasSentAllAndCloseshisSideIsStillAnswered) {
  const Client client = connect();
  client.send("1:a,");
  client.stop_sending();
  turn();
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(client), "2:OK,");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Serving, WhoHangsUpGivesItsPlaceUpAtOnce) {
  {
    const Client client = connect(), other = connect();
    say(client, "a");
    client.send("7:known b,");  // was not read when it went
    EXPECT_EQ(handler_.pending, 1U);
  }
  turn();
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(handler_.pending, 0U);
}

TEST_F(Serving, WhoOnlyClosesItsSideWaitsOnAndMayBeGone) {
  const Client client = connect();
  say(client, "a");
  client.stop_sending();
  turn();
  EXPECT_EQ(handler_.pending, 1U);
  EXPECT_EQ(handler_.perhaps_gone, 1U);
}

TEST_F(Serving, KnowsTheUserAtTheOtherEnd) {
  const Client client = connect();
  say(client, "a");
  EXPECT_EQ(handler_.asked_by.at(0), "uid " + std::to_string(::geteuid()));
}

TEST_F(Serving, WhoDoesNotReadIsAnsweredNoFurther) {
  handler_.filling = std::string(50'000, 'x');
  const Client client = connect();
  std::string many;
  for (int i = 0; i < 100; ++i) many += "5:known,";
  client.send(many);
  turn();
  EXPECT_LT(handler_.requests.size(), 20U);
  std::size_t got = 0;
  while (handler_.requests.size() < 100) {
    const std::string bytes = heard(client);
    ASSERT_FALSE(bytes.empty());
    got += bytes.size();
  }
  EXPECT_GT(got, 1'000'000U);
}

// Nothing that a client sends ahead keeps others waiting: they have their turn after each of its requests.
TEST_F(Serving, WhoSendsManyRequestsAtOnceWaitsForOthersBetweenThem) {
  const Client flood = connect();
  const Client mail = connect();
  std::string many;
  for (int i = 0; i < 1000; ++i) many += i % 2 == 0 ? "5:known," : "7:refused,";
  flood.send(many);
  mail.send("10:known mail,");
  turn();
  const auto place = std::ranges::find(handler_.requests, "known mail");
  ASSERT_NE(place, handler_.requests.end());
  EXPECT_LT(place - handler_.requests.begin(), 5);
  EXPECT_EQ(mail.received(), "13:OK known mail,");
  std::string answers;
  for (int i = 0; i < 100 && handler_.requests.size() < 1001; ++i) answers += heard(flood);
  EXPECT_THAT(answers + heard(flood), testing::EndsWith("8:OK known,4:TEMP,"));
}

TEST_F(Serving, WhoSendsManyRequestsAndClosesItsSideIsAnsweredThemAll) {
  const Client client = connect();
  std::string many;
  for (int i = 0; i < 100; ++i) many += "5:known,";
  client.send(many);
  client.stop_sending();
  std::string got;
  for (int i = 0; i < 50 && !client.is_closed(); ++i) got += heard(client);
  EXPECT_EQ(got.size(), 100 * std::string("8:OK known,").size());
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServingOnce, GarbageAndHalfARequestAreRefusedWithAReason) {
  const Client bad = connect();
  bad.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(heard(bad), "2:no,");
  EXPECT_TRUE(bad.is_closed());
  const Client half = connect();
  half.send("7:kno");
  half.stop_sending();
  EXPECT_EQ(heard(half), "2:no,");
  EXPECT_TRUE(half.is_closed());
}

TEST_F(ServingOnce, WholeRequestsBeforeHalfAOneAreAnswered) {
  const Client client = connect();
  client.send("7:known a,7:known b,7:kno");
  client.stop_sending();
  EXPECT_EQ(heard(client), "10:OK known a,10:OK known b,2:no,");
}

// The client's time is a number here.
TEST(ClientTimeout, WhoStopsInTheMiddleOfARequestIsDropped) {
  auto pair = test::socket_pair(SOCK_NONBLOCK);
  struct ReadyLoop final : FakeLoop {
    std::unique_ptr<Watch> watch(int /*fd*/, unsigned /*interest*/, std::function<void(unsigned)> on_ready) override {
      ready = std::move(on_ready);
      return std::make_unique<Watch>();
    }
    std::function<void(unsigned)> ready;
  } loop;
  FakeHandler handler;
  std::unique_ptr<Connection> connection;
  const Connection::Deps parts{loop, kFraming, handler, [](Connection&) {}, [&](Connection&) { connection.reset(); }};
  connection = std::make_unique<Connection>(std::move(pair.ours), "uid 0", parts);
  const Client client{std::move(pair.theirs)};
  loop.advance(std::chrono::hours(1));
  ASSERT_TRUE(connection) << "an idle connection may stay";
  client.send("7:kno");
  loop.ready(EventLoop::kRead);
  loop.advance(std::chrono::seconds(9));
  client.send("w");
  loop.ready(EventLoop::kRead);
  ASSERT_TRUE(connection);
  loop.advance(std::chrono::seconds(2));
  EXPECT_FALSE(connection);
  EXPECT_THAT(handler.complaints, testing::ElementsAre("it did not go on with its request"));
}

}  // namespace
}  // namespace mtasts::server
