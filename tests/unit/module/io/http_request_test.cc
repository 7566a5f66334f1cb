#include "module/io/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace mtasts {
namespace {

using Kind = HttpRequest::Kind;

TEST(HttpRequest, NamesMethodAndPath) {
  const HttpRequest request =
      parse_http_request("GET /metrics HTTP/1.1\r\nHost: localhost:9461\r\nAccept: */*\r\n\r\n");
  ASSERT_EQ(request.kind, Kind::kComplete);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/metrics");
}

TEST(HttpRequest, LeavesTheQueryAway) { EXPECT_EQ(parse_http_request("GET /a?b=c?d HTTP/1.0\r\n\r\n").path, "/a"); }

TEST(HttpRequest, MayBeTypedByHand) { EXPECT_EQ(parse_http_request("GET / HTTP/1.0\n\n").kind, Kind::kComplete); }

TEST(HttpRequest, IsIncompleteUpToTheEmptyLine) {
  const std::string whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(parse_http_request(whole.substr(0, length)).kind, Kind::kIncomplete) << length;
  EXPECT_EQ(parse_http_request(whole + "whatever follows").kind, Kind::kComplete);
}

TEST(HttpRequest, IsBoundedWhetherItHasLinesOrNot) {
  const std::string fields = "GET / HTTP/1.1\r\n" + std::string(kMaxRequestHead, 'x');
  EXPECT_EQ(parse_http_request(fields).kind, Kind::kTooLarge);
  EXPECT_EQ(parse_http_request(std::string(kMaxRequestHead, 'x')).kind, Kind::kTooLarge);
  EXPECT_EQ(parse_http_request(std::string(kMaxRequestHead - 1, 'x')).kind, Kind::kIncomplete);
  EXPECT_EQ(parse_http_request(std::string(kMaxRequestHead, 'x') + "\r\n\r\n").kind, Kind::kTooLarge);
}

TEST(HttpRequest, IsMalformedWhenItIsNoHttp1) {
  for (const char* line : {"", " ", "GET", "GET /", "GET  HTTP/1.1", " / HTTP/1.1", "GET / HTTP/2", "GET / HTTP/1.11",
                           "GET / http/1.1", "GET metrics HTTP/1.1", "GET http://a/metrics HTTP/1.1", "GET * HTTP/1.1",
                           "GET /a b HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\xff HTTP/1.1", "GET / HTTP/1.1 "}) {
    EXPECT_EQ(parse_http_request(line + std::string("\r\n\r\n")).kind, Kind::kMalformed) << line;
  }
}

}  // namespace
}  // namespace mtasts
