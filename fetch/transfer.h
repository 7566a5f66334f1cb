// One policy file on its way: a libcurl easy handle set up for R11-R14, and the verdict on what came.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/address_rule.h"
#include "core/domain.h"
#include "core/inspection.h"
#include "core/result.h"
#include "core/stall_meter.h"
#include "fetch/connection.h"
#include "fetch/fetcher.h"

namespace mtasts {

inline constexpr const char* kUserAgent = "mtasts/" MTASTS_VERSION;

class Transfer {
 public:
  // `has_room` and `look`: as of ConnectionConfig.
  struct Manner {
    std::function<bool(const IpAddress&)> has_room{};
    std::function<bool()> look{};
    std::string user_agent = kUserAgent;
  };
  // Errors as of Connection::prepare(); kPolicyFetch: no address is allowed.
  static Result<std::unique_ptr<Transfer>> make(const FetcherConfig& config, const Domain& domain,
                                                const AddressRule::Sorted& addresses, Manner manner);

  // The CURL*; must not be in a multi handle any more when the transfer is destroyed.
  [[nodiscard]] void* easy() const { return connection_.easy(); }
  // The body or the fault, after libcurl ended with this CURLcode; for so long this process stood still meanwhile.
  // Error is_ours(): the fault is here, not at the policy host.
  Result<std::string> verdict(int curl_code, StallMeter::Duration stalled);
  // The same for an audit: what came, whether it is a policy file or not.
  HttpFact fact(int curl_code);
  [[nodiscard]] const Connection& connection() const { return connection_; }

 private:
  struct Callbacks;

  Transfer(const FetcherConfig& config, std::string host, Manner manner);
  Result<void> set_options(const FetcherConfig& config, const std::string& user_agent);

  // Each the reason against the transfer, or empty.
  std::string status_reason() const;
  std::string transport_reason(int curl_code) const;
  std::string media_type_reason() const;
  std::string coding_reason() const;
  std::string end_reason() const;
  [[nodiscard]] bool is_connected() const;
  // The first value of a header of the answer, or empty.
  std::string header(const char* name) const;

  long timeout_s_;
  long connect_timeout_s_;
  std::string body_;
  bool body_too_large_ = false;
  std::size_t header_octets_ = 0;
  bool header_too_large_ = false;
  Connection connection_;  // last, hence destroyed first: libcurl has pointers to the rest
};

}  // namespace mtasts
