// Canonical domain names (R1-R3). Everything that is compared, looked up or used as a file name goes through here
// first.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace mtasts {

// A name in A-labels (IDNA2008, non-transitional, or UTS 46 for labels that IDNA2008 refuses), lower case, without
// trailing dot, labels of 1-63 octets, at most 253 octets, at least two labels, letters, digits, hyphen and underscore
// only, never an IP address (R2).
class Domain {
 public:
  // Error kInvalidName says what is wrong with `text` (UTF-8 or ASCII, any case, optional trailing dot).
  static Result<Domain> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string policy_host() const { return "mta-sts." + text_; }   // R3
  [[nodiscard]] std::string record_name() const { return "_mta-sts." + text_; }  // R3
  // True for the name itself and for names below it.
  [[nodiscard]] bool is_within(const Domain& suffix) const;

  friend auto operator<=>(const Domain&, const Domain&) = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 errs

 private:
  explicit Domain(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The policy domain of what an MTA calls a next hop: a recipient domain, or a smarthost written `[host]`, `host:port`
// or `[host]:port`, whose own name it is (R1). nullopt: this can have no policy - an address, an address literal, a
// name without a dot, or one too long for a policy host (R2). Error kInvalidName: not a name at all.
Result<std::optional<Domain>> policy_domain(std::string_view next_hop);

}  // namespace mtasts
