// Who answers the requests of a connection.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mtasts::socketmap {

class Desk {
 public:
  using Done = std::function<void(const std::string& frame)>;

  virtual ~Desk() = default;
  // The frame that answers the payload of a request, where that is remembered; valid until the next call. nullptr: ask.
  virtual const std::string* known(std::string_view request) = 0;
  // `done` is called exactly once, never from inside this call, at the latest when the time for a lookup is over.
  virtual void ask(std::string_view request, Done done) = 0;
  // A client is dropped: `why`, and the beginning of what it sent, any bytes.
  virtual void complain(std::string_view why, std::string_view beginning) = 0;
};

}  // namespace mtasts::socketmap
