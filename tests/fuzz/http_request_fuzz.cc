// Any bytes from a client of the page with the metrics, arriving in pieces of any size.
#include "module/io/http_request.h"

#include "tests/fuzz/fuzz.h"

using mtasts::HttpRequest;
using mtasts::parse_http_request;
using mtasts::fuzz::require;
using Kind = HttpRequest::Kind;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = mtasts::fuzz::text(data, size);
  const HttpRequest whole = parse_http_request(bytes);
  if (whole.kind == Kind::kIncomplete) require(bytes.size() < mtasts::kMaxRequestHead, "a bounded buffer will do");
  if (whole.kind == Kind::kComplete) {
    require(whole.path.starts_with('/') && whole.path.find('?') == std::string_view::npos, "a path without its query");
    require(bytes.starts_with(whole.method) && mtasts::fuzz::is_one_line(whole.path), "what is there, on one line");
  }
  // What has been decided on less than all stays decided.
  for (std::size_t length = 0; length < size && length <= mtasts::kMaxRequestHead; length += 1 + length / 16) {
    const HttpRequest part = parse_http_request(bytes.substr(0, length));
    if (part.kind == Kind::kIncomplete) continue;
    require(part.kind == whole.kind && part.path == whole.path, "more bytes change nothing");
  }
  return 0;
}
