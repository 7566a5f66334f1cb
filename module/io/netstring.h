// Netstrings, `<length>:<bytes>,`: the frames of Postfix's socketmap protocol. No input or output here, and no
// allocation: the parser looks at whatever has arrived so far, the payload stays where it lies.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mtasts {

struct NetstringResult {
  enum class Kind {
    kComplete,    // one netstring lies at the front of the bytes
    kIncomplete,  // a good beginning; come again with the same bytes and more
    kMalformed,   // no netstring, or one longer than the limit: whatever follows means nothing
  };
  Kind kind = Kind::kIncomplete;
  std::string_view payload{};  // a view into the bytes
  std::size_t consumed = 0;    // octets of the bytes that the netstring took
};

// Reads the netstring at the front of `bytes`, whose payload has at most `limit` octets. Malformed as early as it can
// be known: no caller has to keep more than netstring_size(limit) octets. A length is written in one way only, without
// leading zeros.
NetstringResult parse_netstring(std::string_view bytes, std::size_t limit);

// Octets that a payload of `length` octets takes as a netstring.
std::size_t netstring_size(std::size_t length);

void append_netstring(std::string& out, std::string_view payload);
std::string encode_netstring(std::string_view payload);

}  // namespace mtasts
