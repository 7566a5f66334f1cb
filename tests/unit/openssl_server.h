// `openssl s_server`, for what no server does by itself. It has a certificate of the lab (tests/unit/lab.h).
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/unit/lab.h"

namespace mtasts::test {

class OpensslServer {
 public:
  // At `place`, "ADDRESS:PORT", where it listens a moment later. `certificate` and `key`: files below the lab's pki.
  // `input`: its standard input, /dev/null where there is none.
  OpensslServer(const std::string& place, const std::string& certificate, const std::string& key,
                const std::vector<std::string>& options, int input = -1) {
    const std::string pki = lab("DIR") + std::string("/pki/");
    std::vector<std::string> arguments{"openssl", "s_server",        "-accept", place,
                                       "-cert",   pki + certificate, "-key",    pki + key};
    arguments.insert(arguments.end(), options.begin(), options.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      const int nothing = ::open("/dev/null", O_RDWR);
      ::dup2(input < 0 ? nothing : input, 0);
      for (const int fd : {1, 2}) ::dup2(nothing, fd);
      ::execvp("openssl", pointers.data());
      ::_exit(127);
    }
  }
  OpensslServer(const OpensslServer&) = delete;
  OpensslServer& operator=(const OpensslServer&) = delete;
  ~OpensslServer() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  void stand_still() const { ::kill(process_, SIGSTOP); }

 private:
  pid_t process_ = -1;
};

}  // namespace mtasts::test
