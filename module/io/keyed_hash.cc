#include "module/io/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <system_error>

namespace mtasts {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

// As J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", have it.
class SipState {
 public:
  explicit SipState(KeyedHash::Key key)
      : a_(key.first ^ 0x736f6d6570736575U),
        b_(key.second ^ 0x646f72616e646f6dU),
        c_(key.first ^ 0x6c7967656e657261U),
        d_(key.second ^ 0x7465646279746573U) {}

  void add(std::uint64_t word) {
    d_ ^= word;
    rounds(2);
    a_ ^= word;
  }
  [[nodiscard]] std::uint64_t end() {
    c_ ^= 0xffU;
    rounds(4);
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void rounds(int number) {
    for (int i = 0; i < number; ++i) {
      a_ += b_;
      b_ = std::rotl(b_, 13) ^ a_;
      a_ = std::rotl(a_, 32);
      c_ += d_;
      d_ = std::rotl(d_, 16) ^ c_;
      a_ += d_;
      d_ = std::rotl(d_, 21) ^ a_;
      c_ += b_;
      b_ = std::rotl(b_, 17) ^ c_;
      c_ = std::rotl(c_, 32);
    }
  }

  std::uint64_t a_;
  std::uint64_t b_;
  std::uint64_t c_;
  std::uint64_t d_;
};

// Little-endian; at most eight octets.
std::uint64_t word_of(std::string_view octets) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < octets.size(); ++i)
    word |= std::uint64_t{static_cast<unsigned char>(octets[i])} << (8 * i);
  return word;
}

KeyedHash::Key random_key() {
  KeyedHash::Key key{};
  if (::getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return key;
}

}  // namespace

KeyedHash::KeyedHash() : key_(random_key()) {}

std::size_t KeyedHash::operator()(std::string_view text) const noexcept {
  SipState state(key_);
  const std::uint64_t length = text.size();
  for (; text.size() >= kWord; text.remove_prefix(kWord)) state.add(word_of(text.substr(0, kWord)));
  state.add(length << 56U | word_of(text));
  return static_cast<std::size_t>(state.end());
}

}  // namespace mtasts
