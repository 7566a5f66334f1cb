// One policy file on its way: a libcurl easy handle set up for R11-R14, and the verdict on what came.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/domain.h"
#include "core/result.h"
#include "fetch/address_rule.h"
#include "fetch/connection.h"
#include "fetch/fetcher.h"

namespace mtasts {

class Transfer {
 public:
  // `has_room`: as of ConnectionConfig. Errors as of Connection::prepare(); kPolicyFetch: no address is allowed.
  static Result<std::unique_ptr<Transfer>> make(const FetcherConfig& config, const Domain& domain,
                                                const AddressRule::Sorted& addresses,
                                                std::function<bool(const IpAddress&)> has_room);

  // The CURL*; must not be in a multi handle any more when the transfer is destroyed.
  [[nodiscard]] void* easy() const { return connection_.easy(); }
  // The body or the fault, after libcurl ended with this CURLcode. Error is_ours(): the fault is here, not at the
  // policy host.
  Result<std::string> verdict(int curl_code);

 private:
  struct Callbacks;

  Transfer(const FetcherConfig& config, std::string host, std::function<bool(const IpAddress&)> has_room);
  Result<void> set_options(const FetcherConfig& config);

  // Each the reason against the transfer, or empty.
  std::string status_reason() const;
  std::string transport_reason(int curl_code) const;
  std::string content_reason() const;
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
