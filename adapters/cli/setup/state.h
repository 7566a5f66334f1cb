// What is kept of a setup for the way back, in /etc/mtasts/setup/<host>, for root only: each file as it was and as it
// was made. The list "manifest" is replaced whole, after the copies that it names are there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace mtasts::setup {

using Facts = std::map<std::string, std::string>;

struct SavedFile {
  std::string path;
  std::optional<std::string> before;  // nothing: the file was not there
  std::string after;
  std::string folder_owner;
  bool is_generated = false;
};

struct Saved {
  std::string host;
  std::vector<SavedFile> files;
  Facts facts;
  bool complete = false;  // every step was done

  [[nodiscard]] const SavedFile* file(const std::string& path) const;
};

// "/etc/mtasts/setup/postfix".
std::string state_folder(const std::string& host);

// Where the copy of the file as it was lies, for a message.
std::string copy_of_before(const std::string& host, const SavedFile& file);

// Nothing: this host is not set up. Error: what is kept cannot be read or is damaged.
Result<std::optional<Saved>> load_state(const std::string& root, const std::string& host);
Result<void> save_state(const std::string& root, const std::string& host, const Saved& saved);
Result<void> drop_state(const std::string& root, const std::string& host);

// One setup at a time, for as long as the answer lives.
class SetupLock {
 public:
  static Result<SetupLock> take(const std::string& root);
  SetupLock(SetupLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  SetupLock& operator=(SetupLock&&) = delete;
  SetupLock(const SetupLock&) = delete;
  SetupLock& operator=(const SetupLock&) = delete;
  ~SetupLock();

 private:
  explicit SetupLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mtasts::setup
