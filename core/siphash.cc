#include "core/siphash.h"

#include <bit>
#include <cstddef>

namespace mtasts {
namespace {

// Of at most eight octets, the first the lowest.
template <typename Octets>
std::uint64_t little_endian(const Octets& octets) {
  std::uint64_t number = 0;
  unsigned shift = 0;
  for (const auto octet : octets) {
    number |= std::uint64_t{static_cast<unsigned char>(octet)} << shift;
    shift += 8;
  }
  return number;
}

class SipState {
 public:
  explicit SipState(const SipKey& key) {
    const std::string_view octets(reinterpret_cast<const char*>(key.data()), key.size());
    const std::uint64_t low = little_endian(octets.substr(0, 8));
    const std::uint64_t high = little_endian(octets.substr(8));
    v_ = {low ^ 0x736f6d6570736575U, high ^ 0x646f72616e646f6dU, low ^ 0x6c7967656e657261U, high ^ 0x7465646279746573U};
  }

  void add(std::uint64_t word) {
    v_[3] ^= word;
    rounds(2);
    v_[0] ^= word;
  }
  std::uint64_t finish() {
    v_[2] ^= 0xffU;
    rounds(4);
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v_[0] += v_[1];
      v_[2] += v_[3];
      v_[1] = std::rotl(v_[1], 13) ^ v_[0];
      v_[3] = std::rotl(v_[3], 16) ^ v_[2];
      v_[0] = std::rotl(v_[0], 32);
      v_[2] += v_[1];
      v_[0] += v_[3];
      v_[1] = std::rotl(v_[1], 17) ^ v_[2];
      v_[3] = std::rotl(v_[3], 21) ^ v_[0];
      v_[2] = std::rotl(v_[2], 32);
    }
  }
  std::array<std::uint64_t, 4> v_{};
};

}  // namespace

std::uint64_t siphash(const SipKey& key, std::string_view text) {
  SipState state(key);
  const std::uint64_t length = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) state.add(little_endian(text.substr(0, 8)));
  state.add(little_endian(text) | length << 56U);
  return state.finish();
}

}  // namespace mtasts
