// The head of an HTTP/1 request, as far as a server of a few pages looks at it.
#pragma once

#include <string_view>

namespace mtasts {

// What a request may have up to the empty line that ends its head.
inline constexpr std::size_t kMaxRequestHead = 8 * 1024;

struct HttpRequest {
  enum class Kind { kComplete, kIncomplete, kMalformed, kTooLarge };
  Kind kind = Kind::kIncomplete;
  std::string_view method{};  // views into the bytes
  std::string_view path{};    // begins with '/', without the query
};

// `bytes`: all that has arrived so far. Lines may end with LF alone (RFC 9112 §2.2); header fields are not looked at.
HttpRequest parse_http_request(std::string_view bytes);

}  // namespace mtasts
