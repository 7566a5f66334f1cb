// One recursive resolver: getdns contexts of its own, so that which resolver is asked, and when another one, is
// decided here and not by getdns's statistics.
//
// A context is used until something goes wrong on its connection. What getdns 1.6 was reading when a connection ended
// is taken for the beginning of what the next one brings: from then on it understands no answer any more. So the next
// question gets a new context, and the old one is destroyed when its last question has ended.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"
#include "core/result.h"
#include "dns/reply.h"
#include "dns/resolver.h"
#include "dns/resolver_address.h"

struct getdns_dict;

namespace mtasts {

class GetdnsLoop;

class Upstream {
 public:
  // The reply (any rcode; only valid during the call) or an error: kDnsTimeout, kDnsUnreachable, kLocalFault. Runs
  // inside getdns: it must neither ask again nor destroy the upstream.
  using Done = std::function<void(Result<const getdns_dict*>)>;

  Upstream(GetdnsLoop& loop, ResolverAddress address, const ResolverConfig& config);
  // Drops the questions under way without calling back.
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  enum class Manner {
    kPlain,
    kWithSignatures,  // DO: the reply has RRSIG records where the zone is signed
    kChaos,           // class CH
    kAuthority,       // no recursion: what the server itself has
  };

  // `done` may be called before this returns.
  void ask(const std::string& name, RrType type, Done done) { ask(name, type, Manner::kPlain, std::move(done)); }
  void ask(const std::string& name, RrType type, Manner manner, Done done);

  // Where it is, with the port, for messages.
  [[nodiscard]] std::string text() const;

 private:
  struct Context;
  struct Asked;

  static void on_outcome(const Asked& asked, Result<const getdns_dict*> outcome);
  Result<Context*> context();
  Result<std::unique_ptr<Context>> make_context();

  GetdnsLoop& loop_;
  ResolverAddress address_;
  ResolverConfig::Transport transport_;
  std::chrono::seconds timeout_;
  std::vector<std::unique_ptr<Context>> contexts_;  // the last is asked; the others have questions under way
};

}  // namespace mtasts
