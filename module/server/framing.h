// How the requests of one protocol lie in the bytes that a client sends.
#pragma once

#include <cstddef>
#include <string_view>

namespace mtasts::server {

// One request at the front of the bytes that have come so far.
struct Cut {
  enum class Kind {
    kComplete,
    kIncomplete,  // a good beginning; come again with the same bytes and more
    kMalformed,   // no request, or one that is too long: whatever follows means nothing
  };
  Kind kind = Kind::kIncomplete;
  std::string_view payload{};  // a view into the bytes
  std::size_t consumed = 0;    // octets of the bytes that the request took
};

struct Framing {
  // Malformed as early as it can be known: nobody keeps more bytes than the longest request has.
  Cut (*cut)(std::string_view bytes);
  // Why a client with malformed bytes is dropped, for the log.
  std::string_view complaint;
  // What it is sent before that; may be empty.
  std::string_view farewell;
  // Clients close their side when they have asked, and wait for the answer all the same.
  bool clients_stop_sending;
};

}  // namespace mtasts::server
