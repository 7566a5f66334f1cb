#include "module/io/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <vector>

#include "module/io/event_loop.h"
#include "module/io/listen_socket.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A client on the server's own loop.
class Client {
 public:
  // `closed` is called when the server has closed.
  Client(EventLoop& loop, const ListenAddress& address, std::function<void()> closed)
      : socket_(connect_to(address, steady_clock::now() + milliseconds{2000}).value()), closed_(std::move(closed)) {
    watch_ = loop.watch(socket_.get(), EventLoop::kRead, [this](unsigned) { read(); });
  }
  // false: nobody is there to take it any more.
  bool send(std::string_view bytes) const {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
  }
  [[nodiscard]] const std::string& heard() const { return heard_; }
  // Not cut off, which may take away from the client what it has not read yet.
  [[nodiscard]] bool ended_well() const { return ended_well_; }

 private:
  void read() {
    std::array<char, 65536> bytes;
    const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      heard_.append(bytes.data(), static_cast<std::size_t>(got));
      return;
    }
    ended_well_ = got == 0;
    watch_.reset();
    closed_();
  }

  Descriptor socket_;
  std::function<void()> closed_;
  std::string heard_;
  bool ended_well_ = false;
  std::unique_ptr<EventLoop::Watch> watch_;
};

class Web : public testing::Test {
 protected:
  void serve(HttpServer::Limits limits = {}) {
    const auto pages = [this](std::string_view path) -> std::optional<HttpPage> {
      if (path == "/metrics") return HttpPage{"text/plain; version=0.0.4", page_};
      return std::nullopt;
    };
    server_ = serve_http(*loop_, listen_on(address_, {}).value(), pages, limits);
  }
  std::unique_ptr<Client> client() {
    return std::make_unique<Client>(*loop_, address_, [this] {
      if (++closed_ == wanted_) loop_->stop();
    });
  }
  // Until so many clients have been closed by the server.
  bool run_until_closed(int number) {
    wanted_ = number;
    const auto bound = loop_->after(milliseconds{5000}, [this] { loop_->stop(); });
    if (closed_ < wanted_) loop_->run();
    return closed_ >= wanted_;
  }
  std::string ask(std::string_view request) {
    if (!server_) serve();
    const auto asking = client();
    asking->send(request);
    EXPECT_TRUE(run_until_closed(closed_ + 1));
    EXPECT_TRUE(asking->ended_well());
    return asking->heard();
  }

  Scratch scratch_;
  ListenAddress address_ = parse_listen_address("unix:" + scratch_.path() + "/http").value();
  std::unique_ptr<EventLoop> loop_ = make_event_loop().value();
  std::string page_ = "mtasts_requests_total 1\n";
  std::unique_ptr<HttpServer> server_;
  int closed_ = 0;
  int wanted_ = 0;
};

TEST_F(Web, GivesThePage) {
  EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 24\r\n"
            "Connection: close\r\n\r\nmtasts_requests_total 1\n");
}

TEST_F(Web, AnswersHeadWithoutTheBody) {
  EXPECT_THAT(ask("HEAD /metrics HTTP/1.1\r\n\r\n"), AllOf(HasSubstr("Content-Length: 24\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(ask("HEAD /other HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 404 "), EndsWith("\r\n\r\n")));
}

TEST_F(Web, KnowsItsPagesOnly) {
  for (const char* path : {"/", "/metrics/", "/metrics/../metrics", "//metrics", "/METRICS", "/metrics%00"})
    EXPECT_THAT(ask(std::string("GET ") + path + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 ")) << path;
  EXPECT_THAT(ask("GET /metrics?name=x HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Web, RefusesEveryOtherMethod) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"})
    EXPECT_THAT(ask(std::string(method) + " /metrics HTTP/1.1\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")))
        << method;
}

TEST_F(Web, RefusesWhatIsNoHttp) { EXPECT_THAT(ask("21:postfix example.com,\n\n"), StartsWith("HTTP/1.1 400 ")); }

TEST_F(Web, RefusesAHeadWithoutEnd) {
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(Web, TakesARequestThatComesInPieces) {
  serve();
  const auto slow = client();
  const std::string request = "GET /metrics HTTP/1.1\r\n\r\n";
  std::size_t next = 0;
  std::unique_ptr<EventLoop::Watch> timer;
  const std::function<void()> one = [&] {
    slow->send(request.substr(next++, 1));
    if (next < request.size()) timer = loop_->after(milliseconds{0}, one);
  };
  one();
  EXPECT_TRUE(run_until_closed(1));
  EXPECT_THAT(slow->heard(), EndsWith("mtasts_requests_total 1\n"));
}

TEST_F(Web, WritesAPageThatIsLargerThanTheSocketTakesAtOnce) {
  page_ = std::string(3'000'000, 'x') + "end";
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\n\r\n"), AllOf(HasSubstr("Content-Length: 3000003\r\n"), EndsWith("xend")));
}

TEST_F(Web, AClientThatGoesOnSendingStillGetsItsAnswer) {
  EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\n\r\n" + std::string(30'000, 'x')), StartsWith("HTTP/1.1 405 "));
}

TEST_F(Web, AClientThatSaysNothingIsClosedWhenItsTimeIsOver) {
  serve({.time = milliseconds{50}});
  const auto silent = client();
  const auto begin = steady_clock::now();
  EXPECT_TRUE(run_until_closed(1));
  EXPECT_THAT(silent->heard(), IsEmpty());
  EXPECT_GE(steady_clock::now() - begin, milliseconds{45});
}

TEST_F(Web, AClientThatNeverEndsIsClosedWhenItsTimeIsOver) {
  serve({.time = milliseconds{50}});
  const auto endless = client();
  std::unique_ptr<EventLoop::Watch> timer;
  const std::function<void()> more = [&] {
    endless->send("X");
    timer = loop_->after(milliseconds{5}, more);
  };
  more();
  EXPECT_TRUE(run_until_closed(1));
}

TEST_F(Web, AClientThatGoesOnAfterItsAnswerIsClosedSoon) {
  serve();
  const auto endless = client();
  endless->send("GET /metrics HTTP/1.1\r\n\r\n");
  std::unique_ptr<EventLoop::Watch> timer;
  bool taken = true;
  const std::function<void()> more = [&] {
    taken = endless->send(std::string(4096, 'x'));
    if (taken) timer = loop_->after(milliseconds{0}, more);
    if (!taken) loop_->stop();
  };
  more();
  const auto bound = loop_->after(milliseconds{5000}, [this] { loop_->stop(); });
  wanted_ = 2;
  loop_->run();
  EXPECT_FALSE(taken);
}

TEST_F(Web, WithoutRoomTheOldestGivesWay) {
  serve({.connections = 2});
  const auto first = client();
  const auto second = client();
  const auto third = client();
  third->send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(run_until_closed(2));
  EXPECT_THAT(first->heard(), IsEmpty());
  EXPECT_THAT(third->heard(), StartsWith("HTTP/1.1 200 "));
  second->send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(run_until_closed(3));
  EXPECT_THAT(second->heard(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Web, ClosesEverythingWithItself) {
  serve();
  const auto waiting = client();
  const auto timer = loop_->after(milliseconds{20}, [this] { server_.reset(); });
  EXPECT_TRUE(run_until_closed(1));
  EXPECT_FALSE(connect_to(address_, steady_clock::now() + milliseconds{100}));
}

TEST_F(Web, WaitsWhenThereIsNoDescriptorForAConnection) {
  ask("GET /metrics HTTP/1.1\r\n\r\n");  // the sanitizers need a descriptor when they meet a class for the first time
  const auto asking = client();
  asking->send("GET /metrics HTTP/1.1\r\n\r\n");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto again = loop_->after(milliseconds{500}, [&] { ::setrlimit(RLIMIT_NOFILE, &before); });
  const auto begin = ::clock();
  EXPECT_TRUE(run_until_closed(2));
  EXPECT_LT(::clock() - begin, CLOCKS_PER_SEC / 5) << "it must not spin meanwhile";
  EXPECT_THAT(asking->heard(), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace mtasts
