// The language between a process that wants a lookup and its helper (docs/adr/0010-lookup-helper.md): frames, each a
// netstring that holds the netstrings of its fields. The helper talks to strangers, so its peer believes nothing:
// every reader here is strict and bounded. Both ends come from one build.
//
//   settings:  the first frame to the helper, one field (module/helper/settings)
//   request:   id, kind, arguments
//     lookup   domain, "normal" | "refresh", deadline in ms
//     txt | mx | addresses | tlsa | cname | ns   name
//     probe    host, "sni" | "no-sni", addresses
//     report   a TLS session (module/helper/session_fields); has no reply
//     learn    domain: does it want reports? Has no reply
//     of an audit: module/helper/inspection_frames
//   reply:     id, then what the kind of its request demands (below); id 0: the helper is ready, or why it is not
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/lookup.h"
#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

using Fields = std::vector<std::string>;

// Octets of a frame's payload. A DNS reply of 64 KiB whose MX names are all compressed is the longest, at about 1 MiB.
inline constexpr std::size_t kMaxFrame = 2UL * 1024 * 1024;

std::string encode_frame(const Fields& fields);

// Collects what arrives and takes whole frames off its front. What it costs is proportional to the octets, whatever the
// frames' number.
class FrameReader {
 public:
  void add(std::string_view bytes);
  // The next frame; nullopt: it has not arrived. Error kInternal: this is no frame; nothing that follows means
  // anything.
  Result<std::optional<Fields>> next();

 private:
  std::string bytes_;
  std::size_t taken_ = 0;  // octets at the front whose frames were returned
};

// The id of the helper's first frame.
inline constexpr const char* kReadyId = "0";

Fields lookup_request(const std::string& id, const Domain& domain, Lookup::Effort effort,
                      std::chrono::milliseconds deadline);

// Replies without their id. Each decode_* reads what its encode_* wrote; error kInternal for anything else, or the
// error that was encoded.
std::string error_field(const Error& error);
Fields encode_void(const Result<void>& result);
Result<void> decode_void(const Fields& fields);

Fields encode_lookup(const Result<Outcome>& outcome);
Result<Outcome> decode_lookup(const Result<Fields>& fields, const Domain& expected);

Fields encode_trial(const MxTrial& trial);
MxTrial decode_trial(const Result<Fields>& fields);

template <typename Record>
Fields encode_dns(const Result<DnsAnswer<Record>>& answer);
template <typename Record>
Result<DnsAnswer<Record>> decode_dns(const Result<Fields>& fields);

// A whole number without sign or leading zeros, as the fields have them.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace mtasts
