// Any bytes from smtpd, in either of its languages: what is taken was there, and every reply is one that smtpd can
// read.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "adapters/opensmtpd/codec.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;
using mtasts::opensmtpd::Answer;
using mtasts::opensmtpd::Codec;
using mtasts::opensmtpd::Request;
using Operation = Request::Operation;

namespace {

bool is_text(std::string_view bytes) { return bytes.starts_with("conf"); }

void check_reply(bool text, const Request& request, const std::string& reply) {
  if (request.operation == Operation::kClose || reply.empty()) return;
  if (text) {
    require(reply.back() == '\n', "a line ends");
    const std::size_t lines = static_cast<std::size_t>(std::count(reply.begin(), reply.end(), '\n'));
    require(lines == (request.operation == Operation::kHello ? 3 : 1), "one line is the reply");
    require(request.operation == Operation::kHello || reply.find("-result|" + request.id + "|") != std::string::npos,
            "it has the id of its request");
    return;
  }
  std::uint16_t length = 0;
  require(reply.size() >= 16, "a header");
  std::memcpy(&length, reply.data() + 4, sizeof length);
  require(length == reply.size(), "a frame is as long as it says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = mtasts::fuzz::text(data, size);
  const auto codec = mtasts::opensmtpd::codec_for(bytes);
  if (!codec) return 0;
  const bool text = is_text(bytes);
  for (;;) {
    const Codec::Decoded decoded = codec->decode(bytes);
    require(decoded.consumed <= bytes.size(), "nothing is taken that is not there");
    if (decoded.request) {
      for (const Answer& answer : {Answer{Answer::Kind::kFound, "smtp+tls://mx.example.com"},
                                   Answer{Answer::Kind::kNotFound}, Answer{Answer::Kind::kError}})
        check_reply(text, *decoded.request, codec->encode(*decoded.request, answer));
    }
    if (decoded.consumed == 0) return 0;
    bytes.remove_prefix(decoded.consumed);
  }
}
