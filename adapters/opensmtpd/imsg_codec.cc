// imsg frames: a header of five fields, then what belongs to the type, all in the machine's own byte order.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "adapters/opensmtpd/codec.h"

namespace mtasts::opensmtpd {
namespace {

using Operation = Request::Operation;
using Service = Request::Service;

struct Header {
  std::uint32_t type;
  std::uint16_t length;  // with the header
  std::uint16_t flags;
  std::uint32_t peer;
  std::uint32_t process;
};
static_assert(sizeof(Header) == 16);

constexpr std::size_t kMaxFrame = 16'384;
// smtpd takes a value of no more than this, its terminating zero included.
constexpr std::size_t kMaxValue = 4096;
constexpr std::uint32_t kOk = 0;
constexpr std::uint32_t kVersion = 2;

enum Type : std::uint32_t { kOpen = 2, kClose = 3, kUpdate = 4, kCheck = 5, kLookup = 6, kFetch = 7 };

constexpr std::int32_t kServiceDomain = 0x2;
constexpr std::int32_t kServiceRelayHost = 0x200;

// Takes a number from the front; false: there are not enough octets.
template <typename Number>
bool take(std::string_view& bytes, Number& number) {
  if (bytes.size() < sizeof number) return false;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return true;
}

template <typename Number>
void append(std::string& bytes, const Number& number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Takes a string and the zero that ends it.
bool take_string(std::string_view& bytes, std::string& text) {
  const std::size_t end = bytes.find('\0');
  if (end == std::string_view::npos) return false;
  text = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  return true;
}

// Service, parameters (smtpd knows none for us), and the key.
enum class Key { kFollows, kNone };
bool read_question(std::string_view body, Key key, Request& request) {
  std::int32_t service = 0;
  std::size_t parameters = 0;
  if (!take(body, service) || !take(body, parameters)) return false;
  for (std::string ignored; parameters > 0; --parameters) {
    if (!take_string(body, ignored) || !take_string(body, ignored)) return false;
  }
  if (service == kServiceDomain) request.service = Service::kDomain;
  if (service == kServiceRelayHost) request.service = Service::kRelayHost;
  return key == Key::kNone || take_string(body, request.key);
}

// A question that cannot be read is unknown, and gets an error for its answer: smtpd can go on after that.
Request read_request(std::uint32_t type, std::string_view body) {
  Request request;
  std::uint32_t version = 0;
  switch (type) {
    case kOpen:
      if (take(body, version) && version == kVersion) request.operation = Operation::kHello;
      break;
    case kClose:
      request.operation = Operation::kClose;
      break;
    case kUpdate:
      request.operation = Operation::kUpdate;
      break;
    case kCheck:
      if (read_question(body, Key::kFollows, request)) request.operation = Operation::kCheck;
      break;
    case kLookup:
      if (read_question(body, Key::kFollows, request)) request.operation = Operation::kLookup;
      break;
    case kFetch:
      if (read_question(body, Key::kNone, request)) request.operation = Operation::kFetch;
      break;
    default:
      break;
  }
  return request;
}

std::string frame(std::string_view body) {
  const Header header{kOk, static_cast<std::uint16_t>(sizeof(Header) + body.size()), 0, 0,
                      static_cast<std::uint32_t>(::getpid())};
  std::string bytes;
  append(bytes, header);
  bytes += body;
  return bytes;
}

class ImsgCodec final : public Codec {
 public:
  [[nodiscard]] Decoded decode(std::string_view bytes) const override {
    std::string_view rest = bytes;
    Header header{};
    if (!take(rest, header)) return {};
    if (header.length < sizeof header || header.length > kMaxFrame) return {.is_foreign = true};
    if (bytes.size() < header.length) return {};
    return {header.length, read_request(header.type, rest.substr(0, header.length - sizeof header)), false};
  }

  [[nodiscard]] std::string encode(const Request& request, const Answer& answer) const override {
    if (request.operation == Operation::kClose) return {};
    if (request.operation == Operation::kHello) return frame({});
    const bool gives_value = request.operation == Operation::kLookup || request.operation == Operation::kFetch;
    std::int32_t result = answer.kind == Answer::Kind::kFound ? 1 : answer.kind == Answer::Kind::kNotFound ? 0 : -1;
    if (request.operation == Operation::kUpdate) result = 1;
    const bool has_value = gives_value && result == 1;
    if (has_value && (answer.value.empty() || answer.value.size() >= kMaxValue)) return encode(request, {});
    std::string body;
    append(body, result);
    if (has_value) body.append(answer.value).push_back('\0');
    return frame(body);
  }

  [[nodiscard]] bool may_lack_sni() const override { return true; }
};

}  // namespace

std::unique_ptr<Codec> make_imsg_codec() { return std::make_unique<ImsgCodec>(); }

}  // namespace mtasts::opensmtpd
