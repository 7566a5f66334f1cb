// A web server for a few small pages that a program makes anew for each request, such as its metrics: GET and HEAD, one
// request a connection. On purpose no more than that, and not libevent's: what a connection may cost is bounded here in
// octets, time and number, which libevent's cannot bound.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports.h"
#include "module/io/acceptor.h"
#include "module/io/descriptor.h"

namespace mtasts {

struct HttpPage {
  std::string type;  // of its content, "text/plain; charset=utf-8"
  std::string body;
};

class HttpServer {
 public:
  // The page at a path without its query; nullopt: there is none.
  using Pages = std::function<std::optional<HttpPage>(std::string_view path)>;

  struct Limits {
    std::size_t connections = 16;            // beyond them the oldest is closed
    std::chrono::milliseconds time{10'000};  // for a connection, from its beginning to its end
  };

  // `listening`: non-blocking. The loop must outlive the server; `pages` is called from it.
  HttpServer(EventLoop& loop, Descriptor listening, Pages pages, Limits limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  class Connection;

  void take(Descriptor socket);

  EventLoop& loop_;
  Pages pages_;
  Limits limits_;
  std::list<std::unique_ptr<Connection>> connections_;  // the oldest first
  std::unique_ptr<Acceptor> acceptor_;
};

std::unique_ptr<HttpServer> serve_http(EventLoop& loop, Descriptor listening, HttpServer::Pages pages,
                                       HttpServer::Limits limits = {});

}  // namespace mtasts
