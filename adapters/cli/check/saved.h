// What earlier checks saw of a domain: a small text file for each, so that a later check notices what only time shows.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/domain.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/time.h"

namespace mtasts::check {

struct Facts;

struct Saved {
  Domain domain;
  WallTime first_seen{};  // of any valid policy with a valid record
  WallTime last_seen{};
  std::string id;           // of the record then
  std::string body_sha256;  // of the policy file that was first seen with this id, 64 hexadecimal digits
  Mode mode = Mode::kNone;
  WallTime mode_since{};
  std::chrono::seconds longest_max_age{0};  // of the policies that senders may still hold
  WallTime held_until{};                    // when the last sender that enforces or tests one of them forgets it

  friend bool operator==(const Saved&, const Saved&) = default;
};

inline constexpr std::size_t kMaxSavedBytes = 2048;

// There is one way to write it. Error kStoreDamaged says what is wrong; kLocalFault: another version wrote it.
std::string serialize(const Saved& saved);
Result<Saved> parse_saved(std::string_view bytes, const Domain& domain);

// What to save after a check; `before` where nothing valid was seen this time, so that it is not forgotten.
std::optional<Saved> saved_after(const std::optional<Saved>& before, const Facts& facts);

// The folder of these files. The caller makes sure that nobody else writes there.
class SavedFolder {
 public:
  // Makes the folder if it is missing. Error kStoreUnavailable: it cannot be written.
  static Result<SavedFolder> open(std::string path);

  // nullopt: nothing is known. Errors: kStoreUnavailable, and those of parse_saved.
  [[nodiscard]] Result<std::optional<Saved>> get(const Domain& domain) const;
  // Replaced whole: a reader, or a power cut, finds the old one or the new one.
  [[nodiscard]] Result<void> put(const Saved& saved) const;

 private:
  explicit SavedFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace mtasts::check
