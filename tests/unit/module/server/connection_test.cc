// Connections and the server that keeps them, over real sockets, with a handler of the test's own.
#include "module/server/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <map>
#include <vector>

#include "module/io/event_loop.h"
#include "module/io/listen_socket.h"
#include "module/io/netstring.h"
#include "module/server/server.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::server {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

// Knows what begins with "known", answers the rest when told to.
class FakeHandler final : public RequestHandler {
 public:
  Handled handle(std::string_view request, const Peer& peer, Done done) override {
    requests.emplace_back(request);
    if (request.starts_with("known")) {
      frame_ = encode_netstring("OK " + std::string(request) + filling);
      return {.frame = &frame_};
    }
    asked_by.push_back(peer);
    if (request.starts_with("refused")) {
      frame_ = "4:TEMP,";
      return {.frame = &frame_};
    }
    waiting.push_back(std::move(done));
    return {.pending = std::make_unique<Waiting>(*this)};
  }
  void complain(std::string_view why, std::string_view /*beginning*/) override { complaints.emplace_back(why); }

  std::string filling;
  std::size_t pending = 0;       // clients that still wait
  std::size_t perhaps_gone = 0;  // of these
  std::vector<Peer> asked_by;
  std::vector<std::string> requests;
  std::vector<Done> waiting;
  std::vector<std::string> complaints;

 private:
  struct Waiting final : Pending {
    explicit Waiting(FakeHandler& handler) : handler_(handler) { ++handler_.pending; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() override { --handler_.pending; }
    void client_may_be_gone() override { ++handler_.perhaps_gone; }
    FakeHandler& handler_;
  };
  std::string frame_;
};

constexpr std::size_t kMaxRequest = 10'000;

Cut cut(std::string_view bytes) {
  const auto found = parse_netstring(bytes, kMaxRequest);
  if (found.kind == NetstringResult::Kind::kMalformed) return {Cut::Kind::kMalformed};
  if (found.kind == NetstringResult::Kind::kIncomplete) return {Cut::Kind::kIncomplete};
  return {Cut::Kind::kComplete, found.payload, found.consumed};
}

// Of clients that stay, and of those that close their side when they have asked.
const Framing kFraming{cut, "nonsense", "", false};
const Framing kAskOnce{cut, "nonsense", "2:no,", true};

// The client's end of a connection.
class Client {
 public:
  explicit Client(Descriptor socket) : socket_(std::move(socket)) {
    const timeval limit{2, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // What has come by now.
  [[nodiscard]] std::string received() const {
    std::string bytes(1U << 16U, '\0');
    const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  [[nodiscard]] bool is_closed() const {
    char byte = 0;
    const auto got = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }
  void stop_sending() const { ::shutdown(socket_.get(), SHUT_WR); }

 private:
  Descriptor socket_;
};

class Serving : public testing::Test {
 protected:
  explicit Serving(const Framing& framing = kFraming, std::size_t limit = 3)
      : loop_(std::move(make_event_loop().value())),
        address_(parse_listen_address("unix:" + scratch_.path() + "/socket").value()) {
    std::vector<Server::Endpoint> endpoints;
    endpoints.push_back({listen_on(address_, {}).value(), framing, handler_});
    server_ = std::make_unique<Server>(Server::Deps{*loop_, metrics_, log_}, std::move(endpoints), limit);
  }

  Client connect() {
    Client client(connect_to(address_, std::chrono::steady_clock::now() + milliseconds(1000)).value());
    turn();
    return client;
  }
  // Everything that is ready is done.
  void turn() {
    const auto end = loop_->after(milliseconds(20), [this] { loop_->stop(); });
    loop_->run();
  }
  void say(const Client& client, std::string_view payload) {
    client.send(encode_netstring(payload));
    turn();
  }
  [[nodiscard]] std::string heard(const Client& client) {
    turn();
    return client.received();
  }

  Scratch scratch_;
  FakeHandler handler_;
  FakeLog log_;
  Metrics metrics_;
  std::unique_ptr<EventLoop> loop_;
  ListenAddress address_;
  std::unique_ptr<Server> server_;
};

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

// Clients that close their side when they have asked.
class ServingOnce : public Serving {
 protected:
  ServingOnce() : Serving(kAskOnce) {}
};

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
  // Whether a remembered answer comes.
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

// The client's time is a number here.
TEST(Patience, WhoStopsInTheMiddleOfARequestIsDropped) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
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
  connection = std::make_unique<Connection>(Descriptor(ends[0]), "uid 0", parts);
  const Client client{Descriptor(ends[1])};
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
