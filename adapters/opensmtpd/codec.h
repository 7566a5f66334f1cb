// The two languages in which smtpd talks to a table's process: binary imsg frames up to 7.5, lines of text from 7.6 on.
// No input or output here.
//
// smtpd is unforgiving: a reply that it does not understand, or to another request than the one it waits for, ends all
// of smtpd. It sends one request and waits, in every version.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mtasts::opensmtpd {

struct Request {
  enum class Operation {
    kHello,   // who are you?
    kUpdate,  // read your source again
    kCheck,   // is there such a key?
    kLookup,  // what is the value of that key?
    kFetch,   // any value
    kClose,   // no answer is wanted
    kUnknown,
  };
  enum class Service { kDomain, kRelayHost, kOther };

  Operation operation = Operation::kUnknown;
  Service service = Service::kOther;
  std::string key;
  std::string id;  // to be sent back (text)
};

struct Answer {
  enum class Kind { kFound, kNotFound, kError };

  Kind kind = Kind::kError;
  std::string value{};  // of a lookup that found something: not empty, one line
};

class Codec {
 public:
  // What lay at the front of the bytes.
  struct Decoded {
    std::size_t consumed = 0;  // octets; 0: not all of it has come
    std::optional<Request> request{};
    bool is_foreign = false;  // nothing that can follow will be understood
  };

  virtual ~Codec() = default;
  [[nodiscard]] virtual Decoded decode(std::string_view bytes) const = 0;
  // The bytes of a reply; to kHello and kUpdate the answer does not matter, to kClose there is none.
  [[nodiscard]] virtual std::string encode(const Request& request, const Answer& answer) const = 0;
  // May the smtpd that speaks so be one that sends no SNI to MX hosts, like 6.8?
  [[nodiscard]] virtual bool may_lack_sni() const = 0;
};

// By the first four octets that smtpd sends; nullptr: they have not come yet.
std::unique_ptr<Codec> codec_for(std::string_view bytes);

std::unique_ptr<Codec> make_imsg_codec();
std::unique_ptr<Codec> make_line_codec();

}  // namespace mtasts::opensmtpd
