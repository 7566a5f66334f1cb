#include "adapters/opensmtpd/probes.h"

#include <utility>

namespace mtasts::opensmtpd {
namespace {

using std::chrono::minutes;

constexpr minutes kPassedFor{10};
constexpr minutes kFailedFor{2};  // less than smtpd waits before it tries again
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

const Result<void>* Probes::known(const std::string& host) {
  const auto found = by_host_.find(host);
  return found != by_host_.end() && clock_() < found->second->until ? &found->second->result : nullptr;
}

bool Probes::failed_last(const std::string& host) const {
  const auto found = by_host_.find(host);
  return found != by_host_.end() && !found->second->result;
}

void Probes::probe(const std::string& host, std::function<void()> done) {
  auto& waiting = waiting_[host];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  resolver_.addresses(host, [this, host](const Result<DnsAnswer<std::string>>& addresses) {
    if (!addresses) return ended(host, tl::unexpected(addresses.error()));
    if (addresses->records.empty()) return ended(host, fail(ErrorCode::kUnreachable, host + " has no address"));
    prober_.probe(host, addresses->records, [this, host](const Result<void>& result) { ended(host, result); });
  });
}

void Probes::ended(const std::string& host, const Result<void>& result) {
  // What was not tried, for a reason of our own, is not held against the host: smtpd will try it.
  const bool tried = result || result.error().code != ErrorCode::kEngine;
  if (!result)
    log_.write(LogLevel::kInfo, (tried ? "event=mx-failed mx=" : "event=mx-not-tried mx=") + host +
                                    " error=" + std::string(error_name(result.error().code)) +
                                    " detail=" + quoted(result.error().detail));
  if (const auto old = by_host_.find(host); old != by_host_.end()) {
    findings_.erase(old->second);
    by_host_.erase(old);
  }
  findings_.push_back({host, tried ? result : Result<void>(), clock_() + (result ? kPassedFor : kFailedFor)});
  by_host_.emplace(host, std::prev(findings_.end()));
  if (findings_.size() > kMostRemembered) {
    by_host_.erase(findings_.front().host);
    findings_.pop_front();
  }
  const auto waiting = std::move(waiting_.at(host));
  waiting_.erase(host);
  for (const auto& done : waiting) done();
}

}  // namespace mtasts::opensmtpd
