#include "adapters/cli/report/gzip.h"

#define ZLIB_CONST  // its input is const
#include <zlib.h>

#include <algorithm>
#include <array>

namespace mtasts::report {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

class Inflater {
 public:
  explicit Inflater(std::string_view bytes) {
    stream_.next_in = reinterpret_cast<const Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    constexpr int kGzipOnly = 16;
    ready_ = ::inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
  }
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends what comes next; returns zlib's code.
  int step(std::string& out) {
    if (!ready_) return Z_MEM_ERROR;
    stream_.next_out = buffer_.data();
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    out.append(reinterpret_cast<const char*>(buffer_.data()), buffer_.size() - stream_.avail_out);
    return code;
  }
  [[nodiscard]] bool has_rest() const { return stream_.avail_in > 0; }

 private:
  z_stream stream_{};
  std::array<Bytef, 65536> buffer_{};
  bool ready_ = false;
};

Read<std::string> fault(int code) {
  if (code == Z_BUF_ERROR) return refuse("the gzip file is cut off");
  if (code == Z_MEM_ERROR) return refuse("there is not enough memory to unpack it", Refusal::Kind::kUnreadable);
  return refuse("the gzip file is damaged (its content or its checksum is wrong)");
}

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

Read<std::string> gunzip(std::string_view bytes, std::size_t limit) {
  Inflater inflater(bytes);
  std::string out;
  for (;;) {
    const int code = inflater.step(out);
    if (code != Z_OK && code != Z_STREAM_END) return fault(code);
    if (out.size() > limit) return refuse("more than " + std::to_string(limit / kMiB) + " MiB unpacked");
    if (code == Z_OK) continue;
    if (inflater.has_rest()) return refuse("something follows after the end of the gzip file");
    return out;
  }
}

}  // namespace mtasts::report
