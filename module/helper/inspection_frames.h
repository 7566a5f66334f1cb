// How the facts of an audit cross from the helper to the command that asked for them. Strict and bounded like
// module/helper/frames.
//
//   request:   txt-at | cname-at   name, address of an authoritative server
//              policy-host         domain, address
//              mx-host             host, address, then its TLSA records as an answer of DNS
//   reply:     an answer of DNS; the fact, field by field
#pragma once

#include "core/inspection.h"
#include "module/helper/frames.h"

namespace mtasts {

Fields encode_policy_host(const PolicyAddressFact& fact);
Fields encode_mx_host(const MxAddressFact& fact);

// What encode_* wrote of this address; otherwise, or where there is no reply, a fact that was not tried.
PolicyAddressFact decode_policy_host(const Result<Fields>& fields, const std::string& address);
MxAddressFact decode_mx_host(const Result<Fields>& fields, const std::string& address);

}  // namespace mtasts
