#include "module/io/http_server.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "module/io/http_request.h"
#include "module/io/stream.h"

namespace mtasts {
namespace {

// Beyond the limit each one more closes the oldest, which must have had its turn to be read before.
constexpr int kAtOnce = 1;
// What a client may go on sending when it has its response.
constexpr std::size_t kMaxAfterwards = 64 * 1024;

std::string response(std::string_view status, const HttpPage& page, bool with_body, std::string_view fields = {}) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Type: ").append(page.type);
  text.append("\r\nContent-Length: ").append(std::to_string(page.body.size()));
  text.append("\r\nConnection: close\r\n").append(fields).append("\r\n");
  return with_body ? text + page.body : text;
}

std::string refusal(std::string_view status, bool with_body = true, std::string_view fields = {}) {
  return response(status, {"text/plain", std::string(status) + "\n"}, with_body, fields);
}

}  // namespace

// Reads a request, writes the response, then waits for the client to close: closing at once could take the response
// away from one that is still writing. `end` destroys the connection.
class HttpServer::Connection {
 public:
  Connection(EventLoop& loop, Descriptor socket, const Pages& pages, std::chrono::milliseconds time,
             std::function<void()> end)
      : loop_(loop), socket_(std::move(socket)), pages_(pages), end_(std::move(end)) {
    watch_ = loop_.watch(socket_.get(), EventLoop::kRead, [this](unsigned /*ready*/) { read(); });
    timer_ = loop_.after(time, [this] { finish(); });
  }

 private:
  void read() {
    std::array<char, 4096> bytes;
    const auto received = receive_now(socket_.get(), bytes);
    if (!received) return;
    if (received->empty()) return finish();
    request_ += *received;
    response_ = answer();
    if (response_.empty()) return;
    watch_ = loop_.watch(socket_.get(), EventLoop::kWrite, [this](unsigned /*ready*/) { write(); });
  }

  // "": the request is not complete yet.
  std::string answer() {
    const HttpRequest request = parse_http_request(request_);
    if (request.kind == HttpRequest::Kind::kIncomplete) return {};
    if (request.kind == HttpRequest::Kind::kTooLarge) return refusal("431 Request Header Fields Too Large");
    if (request.kind == HttpRequest::Kind::kMalformed) return refusal("400 Bad Request");
    const bool head = request.method == "HEAD";
    if (!head && request.method != "GET") return refusal("405 Method Not Allowed", true, "Allow: GET, HEAD\r\n");
    const auto page = pages_(request.path);
    return page ? response("200 OK", *page, !head) : refusal("404 Not Found", !head);
  }

  void write() {
    if (!send_now(socket_.get(), response_)) return finish();
    if (!response_.empty()) return;
    ::shutdown(socket_.get(), SHUT_WR);
    watch_ = loop_.watch(socket_.get(), EventLoop::kRead, [this](unsigned /*ready*/) { drain(); });
  }

  void drain() {
    std::array<char, 4096> bytes;
    const auto received = receive_now(socket_.get(), bytes);
    if (!received) return;
    afterwards_ += received->size();
    if (received->empty() || afterwards_ > kMaxAfterwards) finish();
  }

  // Destroys *this.
  void finish() {
    const auto end = std::move(end_);
    end();
  }

  EventLoop& loop_;
  Descriptor socket_;
  const Pages& pages_;
  std::function<void()> end_;
  std::string request_;
  std::string response_;
  std::size_t afterwards_ = 0;
  std::unique_ptr<EventLoop::Watch> watch_;
  std::unique_ptr<EventLoop::Watch> timer_;
};

HttpServer::HttpServer(EventLoop& loop, Descriptor listening, Pages pages, Limits limits)
    : loop_(loop), pages_(std::move(pages)), limits_(limits) {
  std::vector<Acceptor::Source> source;
  source.push_back({std::move(listening), [this](Descriptor socket) { take(std::move(socket)); }});
  acceptor_ = std::make_unique<Acceptor>(loop, std::move(source), kAtOnce, [](int /*error*/) {});
}

HttpServer::~HttpServer() = default;

void HttpServer::take(Descriptor socket) {
  if (connections_.size() >= limits_.connections) connections_.pop_front();
  const auto place = connections_.emplace(connections_.end());
  *place = std::make_unique<Connection>(loop_, std::move(socket), pages_, limits_.time,
                                        [this, place] { connections_.erase(place); });
}

std::unique_ptr<HttpServer> serve_http(EventLoop& loop, Descriptor listening, HttpServer::Pages pages,
                                       HttpServer::Limits limits) {
  return std::make_unique<HttpServer>(loop, std::move(listening), std::move(pages), limits);
}

}  // namespace mtasts
