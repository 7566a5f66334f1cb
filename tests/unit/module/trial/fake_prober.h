// A prober that answers when told.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"

namespace mtasts {

class FakeProber final : public MxProber {
 public:
  void probe(const std::string& host, const std::vector<std::string>& where, Sni sni, Callback done) override {
    addresses = where;
    probed.push_back(host + (sni == Sni::kSent ? "" : " without SNI"));
    waiting[host] = std::move(done);
  }
  void pass(const std::string& host) { end(host, {}); }
  void refuse(const std::string& host, ErrorCode code = ErrorCode::kCertificateExpired) {
    end(host, fail(code, "expired"));
  }
  void end(const std::string& host, const Result<void>& result) {
    const auto done = waiting.at(host);  // it may ask again
    done({result, "198.51.100.7", "192.0.2.1"});
  }
  std::vector<std::string> probed;
  std::vector<std::string> addresses;  // of the last
  std::map<std::string, Callback> waiting;
};

}  // namespace mtasts
