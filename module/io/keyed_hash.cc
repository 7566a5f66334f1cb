#include "module/io/keyed_hash.h"

#include <sys/random.h>

namespace mtasts {

SipKey random_key() {
  SipKey key{};
  [[maybe_unused]] const auto got = ::getrandom(key.data(), key.size(), 0);
  return key;
}

}  // namespace mtasts
