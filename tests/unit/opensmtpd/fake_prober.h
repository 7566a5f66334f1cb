// A prober that answers when told.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"

namespace mtasts::opensmtpd {

class FakeProber final : public MxProber {
 public:
  void probe(const std::string& host, const std::vector<std::string>& /*addresses*/, Callback done) override {
    probed.push_back(host);
    waiting[host] = std::move(done);
  }
  void pass(const std::string& host) { waiting.at(host)({}); }
  void refuse(const std::string& host) { waiting.at(host)(fail(ErrorCode::kCertificateExpired, "expired")); }
  std::vector<std::string> probed;
  std::map<std::string, Callback> waiting;
};

}  // namespace mtasts::opensmtpd
