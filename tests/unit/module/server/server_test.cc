// Which connections a server keeps, over real sockets.
#include "module/server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/module/server/serving.h"

namespace mtasts::server {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST_F(Serving, OfTooManyConnectionsTheOneIdleForLongestIsClosed) {
  const Client first = connect();
  const Client second = connect();
  const Client third = connect();
  say(first, "known a");
  EXPECT_EQ(heard(first), "10:OK known a,");
  const Client fourth = connect();
  EXPECT_TRUE(second.is_closed());
  for (const Client* client : {&first, &third, &fourth}) {
    say(*client, "known b");
    EXPECT_EQ(heard(*client), "10:OK known b,");
  }
}

TEST_F(Serving, WhoWaitsForAnAnswerKeepsItsPlace) {
  const Client first = connect();
  const Client second = connect();
  const Client third = connect();
  for (const Client* client : {&first, &second, &third}) say(*client, "a");
  EXPECT_TRUE(connect().is_closed());
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_connections_refused_total 1\n"));
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(first), "2:OK,");
}

TEST_F(Serving, WhoStopsInTheMiddleOfARequestKeepsNobodyOut) {
  const Client waiting = connect();
  say(waiting, "a");
  const Client first = connect();
  const Client second = connect();
  for (const Client* client : {&first, &second}) client->send("7:kno");
  turn();
  const Client good = connect();
  EXPECT_TRUE(first.is_closed());
  EXPECT_FALSE(second.is_closed());
  say(good, "known a");
  EXPECT_EQ(heard(good), "10:OK known a,");
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(waiting), "2:OK,");
}

TEST_F(Serving, DrainedItAnswersWhatWasAskedAndEnds) {
  const Client idle = connect();
  const Client waiting = connect();
  const Client late = connect();
  say(waiting, "a");
  late.send("7:known b,");  // has not been read yet
  bool drained = false;
  server_->drain([&] { drained = true; });
  turn();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(late.received(), "10:OK known b,");
  EXPECT_FALSE(drained);
  EXPECT_FALSE(connect_to(address_, std::chrono::steady_clock::now() + milliseconds(100)));
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(waiting), "2:OK,");
  EXPECT_TRUE(waiting.is_closed());
  EXPECT_TRUE(drained);
}

TEST_F(ServingOnce, WhoHasClosedItsSideKeepsItsPlaceWhileItWaits) {
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    clients.back().send("1:a,");
    clients.back().stop_sending();
    turn();
  }
  EXPECT_EQ(handler_.perhaps_gone, 0U);
  EXPECT_TRUE(connect().is_closed()) << "all places are waited on";
  handler_.waiting.at(0)("2:OK,");
  EXPECT_EQ(heard(clients.at(0)), "2:OK,");
  EXPECT_TRUE(clients.at(0).is_closed());
}

// Two peers: a user and an address.
class ServingPeers : public testing::Test {
 protected:
  ServingPeers() {
    std::vector<Server::Endpoint> endpoints;
    for (int port = 30'000 + ::getpid() % 10'000; endpoints.empty(); ++port) {
      of_addresses_ = parse_listen_address("inet:127.0.0.1:" + std::to_string(port)).value();
      auto listening = listen_on(of_addresses_, {});
      if (listening) endpoints.push_back({std::move(*listening), kFraming, handler_});
    }
    endpoints.push_back({listen_on(of_users_, {}).value(), kFraming, handler_});
    server_ = std::make_unique<Server>(Server::Deps{*loop_, metrics_, log_}, std::move(endpoints), 8);
  }

  Client connect_to(const ListenAddress& address) {
    Client client(mtasts::connect_to(address, std::chrono::steady_clock::now() + milliseconds(1000)).value());
    turn();
    return client;
  }
  Client connect() { return connect_to(of_addresses_); }
  Client connect_as_user() { return connect_to(of_users_); }
  void turn() {
    const auto end = loop_->after(milliseconds(20), [this] { loop_->stop(); });
    loop_->run();
  }
  // Whether a cached answer comes.
  [[nodiscard]] bool is_served(const Client& client) {
    client.send("7:known a,");
    turn();
    return client.received() == "10:OK known a,";
  }

  FakeHandler handler_;
  FakeLog log_;
  Metrics metrics_;
  Scratch scratch_;
  std::unique_ptr<EventLoop> loop_ = std::move(make_event_loop().value());
  ListenAddress of_addresses_;
  ListenAddress of_users_ = parse_listen_address("unix:" + scratch_.path() + "/socket").value();
  std::unique_ptr<Server> server_;
};

TEST_F(ServingPeers, WhoHasMostConnectionsGivesOneUp) {
  const Client mail_server = connect();
  std::vector<Client> flood;
  for (int i = 0; i < 30; ++i) flood.push_back(connect_as_user());
  EXPECT_EQ(server_->connections(), 8U);
  EXPECT_FALSE(mail_server.is_closed());
  EXPECT_TRUE(is_served(mail_server));
  EXPECT_TRUE(is_served(connect()));
  EXPECT_TRUE(is_served(flood.back()));
  EXPECT_THAT(log_.lines, testing::ElementsAre(testing::AllOf(HasSubstr("event=too-many-connections limit=8"),
                                                              HasSubstr("peer=\"uid "), HasSubstr("connections=7"))));
}

TEST_F(ServingPeers, ARequestThatHasArrivedIsAnsweredBeforeItsConnectionIsClosed) {
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(connect());
  clients.at(0).send("7:known a,");  // not read when the next one connects
  const Client next = connect();
  turn();
  EXPECT_EQ(clients.at(0).received(), "10:OK known a,");
}

TEST_F(ServingPeers, ThoseThatMayBeGoneAreClosedBeforeThoseThatWait) {
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(connect());
    clients.back().send("1:a,");
    turn();
  }
  clients.at(4).stop_sending();
  turn();
  EXPECT_EQ(handler_.pending, 8U);
  EXPECT_TRUE(is_served(connect()));
  EXPECT_TRUE(clients.at(4).is_closed());
  EXPECT_EQ(handler_.pending, 7U);
}

}  // namespace
}  // namespace mtasts::server
