// A lookup helper that runs, and what the kernel says of it from outside.
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "module/helper/process.h"

namespace mtasts {

// Empty for a process that has ended meanwhile.
inline std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class RunningHelper {
 public:
  using seconds = std::chrono::seconds;

  explicit RunningHelper(const Config& config, LogTarget log = LogTarget::kSyslog) {
    // Orphans become this process's children, so that it can find and await this one.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const auto others = helpers();
    auto socket = start_helper(config, log, std::chrono::steady_clock::now() + seconds(20));
    if (socket) socket_ = std::move(*socket);
    ready_ = socket ? Result<void>() : tl::unexpected(socket.error());
    for (const pid_t process : helpers())
      if (!others.contains(process)) process_ = process;
  }
  RunningHelper(const RunningHelper&) = delete;
  RunningHelper& operator=(const RunningHelper&) = delete;
  ~RunningHelper() {
    socket_ = Descriptor();
    if (process_ != 0 && !ended_) ::waitpid(process_, nullptr, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  // What the helper says when it is up, or why it is not.
  Result<void> ready() {
    if (!ready_) return ready_;
    return receive_reply(socket_.get(), reader_, kReadyId, std::chrono::steady_clock::now() + seconds(20))
        .and_then(decode_void);
  }

  // The error of an attempt (engines/prying.cc), 0 where it succeeded.
  int attempt(const std::string& what) {
    send(what);
    const auto reply = decode_dns<MxRecord>(
        receive_reply(socket_.get(), reader_, "1", std::chrono::steady_clock::now() + seconds(20)));
    return reply && reply->records.size() == 1 ? static_cast<int>(reply->records[0].preference) : -1;
  }
  void send(const std::string& name) { send(Fields{"1", "mx", name}); }
  void send(const Fields& request) {
    const std::string frame = encode_frame(request);
    [[maybe_unused]] const auto sent = ::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
  }
  void hang_up() { socket_ = Descriptor(); }

  // How the helper ended (wait(2)), or nothing while it runs.
  std::optional<int> end_within(seconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    do {
      int status = 0;
      if (::waitpid(process_, &status, WNOHANG) == process_) {
        ended_ = true;
        return status;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (std::chrono::steady_clock::now() < end);
    return std::nullopt;
  }

  [[nodiscard]] std::string proc(const std::string& name = "") const {
    return "/proc/" + std::to_string(process_) + (name.empty() ? "" : "/" + name);
  }
  // "Uid" → "65534 65534 65534 65534" (proc(5)): fields with single spaces between.
  [[nodiscard]] std::map<std::string, std::string> status() const {
    std::map<std::string, std::string> fields;
    std::istringstream lines(text_of(proc("status")));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line.substr(line.find(':') + 1));
      std::string& value = fields[line.substr(0, line.find(':'))];
      for (std::string word; words >> word;) value += (value.empty() ? "" : " ") + word;
    }
    return fields;
  }
  // "Max core file size" → "0 0 bytes": soft and hard limit.
  [[nodiscard]] std::string limit(const std::string& name) const {
    const std::string text = text_of(proc("limits"));
    const auto at = text.find(name);
    std::istringstream words(at == std::string::npos ? "" : text.substr(at + name.size()));
    std::string soft;
    std::string hard;
    words >> soft >> hard;
    return soft + " " + hard;
  }

 private:
  // Children of this process.
  static std::set<pid_t> helpers() {
    std::set<pid_t> found;
    for (const auto& item : std::filesystem::directory_iterator("/proc")) {
      const std::string name = item.path().filename();
      const std::string status = text_of(item.path().string() + "/status");
      if (name.find_first_not_of("0123456789") == std::string::npos && status.starts_with("Name:\tmtasts-lookup") &&
          status.find("\nPPid:\t" + std::to_string(::getpid()) + "\n") != std::string::npos)
        found.insert(std::stoi(name));
    }
    return found;
  }

  Descriptor socket_;
  FrameReader reader_;
  Result<void> ready_;
  pid_t process_ = 0;
  bool ended_ = false;
};

}  // namespace mtasts
