// The Resolver over getdns: a stub that asks the configured recursive resolvers over TCP or TLS, never UDP
// (docs/facts.md: any UDP reply with the right 16-bit id is believed).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

struct ResolverConfig {
  enum class Transport { kTcp, kTls };
  enum class TrustAd { kLoopback, kAlways, kNever };

  std::vector<std::string>
      resolvers;  // "127.0.0.1", "192.0.2.1:5353", "[::1]:5353"; empty: those of /etc/resolv.conf, loopback ones first
  Transport transport = Transport::kTcp;
  // Of one question, its retry not included. Where there are several resolvers it is no more than a share of `deadline`
  // for each of the up to three tries, and one for what comes after.
  std::chrono::seconds timeout{5};
  // Every resolver has to validate then: one that does not answers for names that another calls bogus, as unsigned. So
  // where one of them does not deserve trust by its address, none has it. dns/ad_trust says what kLoopback means.
  TrustAd trust_ad = TrustAd::kLoopback;
  unsigned max_in_flight = 200;  // at one resolver; further questions wait for their turn (core/admission_queue)
  // Of a lookup, which may go on when whoever asked has been answered already.
  std::chrono::seconds deadline{20};
  // Of whoever asks, if that is shorter. A question waits for its turn for half of it at most, and not longer than
  // three timeouts: at the deadline it has been asked, and no answer is the resolver's failure, or it has ended as not
  // tried.
  std::chrono::seconds client_deadline{20};

  // Told of a resolver when an answer of it has AD, and again when that has changed. Called from the loop.
  struct AdVerdict {
    std::string resolver;
    bool counts = false;
    std::string reason;  // half a sentence
  };
  using AdReport = std::function<void(const AdVerdict&)>;
  AdReport on_ad{};
};

// The resolvers are asked in their order. One that fails (no connection, hung up, no answer in time, SERVFAIL and other
// refusals) is followed by the next, up to three tries in all; a single one is asked once more when it hung up, or when
// this process stood still, and up to eight times when it took the question and hung up a while later. One that could
// not be reached goes to the end of the order for half a minute.
//
// A resolver that answers nothing gets ever fewer questions at a time (dns/concurrency_limit); whether it is the
// resolver or the names asked for is found out with a question for "localhost". A question that has waited for its turn
// for too long ends with kNotTried where the resolver answered others meanwhile: it was not asked, so nothing was found
// out about the name. Where the resolver answered nobody it ends with kDnsTimeout, however short its turn_timeout is
// (core/requester.h). kNotTried is also how one ends whose
// time was over while this process stood still, or was taken by other resolvers before this one was asked. What fails
// because this process can have no socket ends with kLocalFault.
//
// One thread; does not survive fork(): what is asked in a child is answered with kInternal. The loop must outlive the
// resolver. Destroying the resolver drops the questions under way without calling back; not allowed from inside a
// callback. Error kConfig: a resolver address that is none; kLocalFault: this user cannot read /etc/resolv.conf.
Result<std::unique_ptr<Resolver>> make_resolver(EventLoop& loop, const ResolverConfig& config,
                                                ZoneOf zone_of = own_zone);

}  // namespace mtasts
