#include "adapters/opensmtpd/codec.h"

namespace mtasts::opensmtpd {

// An imsg frame begins with its type, a small number whose octets are never the word that a line begins with.
std::unique_ptr<Codec> codec_for(std::string_view bytes) {
  constexpr std::string_view kText = "conf";
  if (bytes.size() < kText.size()) return nullptr;
  return bytes.starts_with(kText) ? make_line_codec() : make_imsg_codec();
}

}  // namespace mtasts::opensmtpd
