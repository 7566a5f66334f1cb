// A small internet that answers when it is told to, for what observes it.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adapters/cli/check/observation.h"
#include "core/ports.h"

namespace mtasts::check {

using Texts = DnsAnswer<std::string>;

// Answers are put into a queue; what is in no table does not exist.
class FakeInternet : public Resolver, public ServerQuestions, public HostInspector {
 public:
  std::map<std::string, std::vector<std::string>> txts, hosts, cnames, zones;
  std::map<std::string, std::vector<MxRecord>> mxs;
  std::map<std::string, std::vector<TlsaRecord>> tlsas;  // signed, as are all addresses then
  std::map<std::string, Result<Texts>> servers;          // by address
  std::map<std::string, std::string> failing;            // names without an answer, and why
  std::string sibling_text;                              // TXT of any "_mta-sts-...", from a wildcard
  std::vector<std::string> asked;                        // "TXT name", "policy address", "mx host address tlsa records"

  void txt(const std::string& name, Resolver::Callback<std::string> done, const Requester&) override {
    if (name.starts_with("_mta-sts-") && !sibling_text.empty())
      return answer("TXT", name, {{name, {sibling_text}}}, std::move(done));
    answer("TXT", name, txts, std::move(done));
  }
  void mx(const std::string& name, Resolver::Callback<MxRecord> done, const Requester&) override {
    answer("MX", name, mxs, std::move(done));
  }
  void addresses(const std::string& name, Resolver::Callback<std::string> done, const Requester&) override {
    answer("A", name, hosts, std::move(done));
  }
  void tlsa(const std::string& name, Resolver::Callback<TlsaRecord> done, const Requester&) override {
    answer("TLSA", name, tlsas, std::move(done));
  }
  void cname(const std::string& name, Resolver::Callback<std::string> done, const Requester&) override {
    answer("CNAME", name, cnames, std::move(done));
  }
  void ns(const std::string& name, Resolver::Callback<std::string> done, const Requester&) override {
    answer("NS", name, zones, std::move(done));
  }
  void ask(const std::string& address, const std::string& name, Type type, ServerQuestions::Callback done) override {
    note((type == Type::kTxt ? "TXT " : "CNAME ") + name + " at " + address);
    const auto found = servers.find(address);
    const auto told = found != servers.end() ? found->second : fail(ErrorCode::kDnsTimeout, "no answer");
    later([told, done = std::move(done)] { done(told); });
  }
  void policy_host(const Domain& /*domain*/, const std::string& address, PolicyHostDone done) override {
    note("policy " + address);
    later([address, done = std::move(done)] { done({.address = address, .is_connected = true}); });
  }
  void mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
               MxHostDone done) override {
    note("mx " + host.text() + " " + address + " " + std::to_string(tlsa.size()));
    later([address, done = std::move(done)] { done({.address = address, .is_reached = true}); });
  }

  // Whatever is under way, and what follows from it.
  void run() {
    while (!pending_.empty()) step();
  }
  void step() {
    const auto next = std::move(pending_.front());
    pending_.pop_front();
    next();
  }
  [[nodiscard]] std::size_t times(const std::string& question) const {
    return static_cast<std::size_t>(std::count(asked.begin(), asked.end(), question));
  }

 private:
  void note(std::string what) { asked.push_back(std::move(what)); }
  void later(std::function<void()> step) { pending_.push_back(std::move(step)); }

  // A resolver follows aliases, but not in a circle.
  [[nodiscard]] std::string owner_of(std::string name) const {
    for (int steps = 0; steps < 8; ++steps) {
      const auto alias = cnames.find(name);
      if (alias == cnames.end()) return name;
      name = alias->second.front();
    }
    return {};
  }

  template <typename Record>
  void answer(const std::string& type, const std::string& name, const std::map<std::string, std::vector<Record>>& table,
              Resolver::Callback<Record> done) {
    note(type + " " + name);
    using Answer = DnsAnswer<Record>;
    if (const auto why = failing.find(name); why != failing.end())
      return later([why = why->second, done = std::move(done)] { done(fail(ErrorCode::kDnsFailure, why)); });
    const std::string owner = type == "CNAME" ? name : owner_of(name);
    if (owner.empty()) return later([done = std::move(done)] { done(fail(ErrorCode::kDnsFailure, "SERVFAIL")); });
    Answer told{exists(owner) ? Answer::Kind::kNoData : Answer::Kind::kNxDomain, {}};
    told.owner = owner;
    told.authenticated = !tlsas.empty();
    if (const auto found = table.find(owner); found != table.end()) {
      told.kind = Answer::Kind::kFound;
      told.records = found->second;
    }
    later([told, done = std::move(done)] { done(told); });
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return txts.contains(name) || hosts.contains(name) || cnames.contains(name) || zones.contains(name) ||
           mxs.contains(name) || tlsas.contains(name);
  }

  std::deque<std::function<void()>> pending_;
};

}  // namespace mtasts::check
