// Why a file is not among the reports that are summed up.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace mtasts::report {

struct Refusal {
  enum class Kind {
    kRefused,      // it is not a report that can be believed
    kUnreadable,   // there is no such file, or the system does not let it be read
    kOtherSubject  // a mail about something else: in a folder it is passed over
  };
  Kind kind;
  std::string reason;  // what is said of the file, without its name; foreign bytes in it are escaped
};

template <typename T>
using Read = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refuse(std::string reason, Refusal::Kind kind = Refusal::Kind::kRefused) {
  return tl::unexpected<Refusal>(Refusal{kind, std::move(reason)});
}

}  // namespace mtasts::report
