// The interfaces behind which the outside world lies. dns/ implements Resolver, fetch/ Fetcher and MxProber, module/
// EventLoop and PolicyStore. All callbacks run on the loop's one thread, never from inside the call that asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cache_entry.h"
#include "core/domain.h"
#include "core/requester.h"
#include "core/result.h"

namespace mtasts {

// One thread's event loop. Watches must not outlive it; a watch may be destroyed at any time, also from inside its own
// callback, and calls nothing afterwards.
class EventLoop {
 public:
  enum Interest : unsigned { kRead = 1, kWrite = 2 };

  class Watch {
   public:
    virtual ~Watch() = default;
  };

  virtual ~EventLoop() = default;
  // Calls `ready` with the Interest bits that hold, again and again.
  virtual std::unique_ptr<Watch> watch(int fd, unsigned interest, std::function<void(unsigned)> ready) = 0;
  // Calls `due` once.
  virtual std::unique_ptr<Watch> after(std::chrono::milliseconds delay, std::function<void()> due) = 0;
  // Runs until stop() is called or nothing is watched any more.
  virtual void run() = 0;
  virtual void stop() = 0;
};

// A DNS answer that is certain. NXDOMAIN and NODATA are values; SERVFAIL, timeouts and the like are errors kDns* (R20).
template <typename Record>
struct DnsAnswer {
  enum class Kind { kFound, kNoData, kNxDomain };
  Kind kind = Kind::kNoData;
  std::vector<Record> records;
  std::chrono::seconds ttl{0};  // smallest TTL on the way incl. CNAMEs; for a negative answer the SOA rule of RFC 2308
                                // (R23), 0 without a SOA
  bool authenticated = false;   // AD bit from a resolver that is trusted for it (`[dns] trust_ad`)
  std::string owner{};          // where the CNAMEs led to, lower case: the name itself without any
};

struct MxRecord {
  unsigned preference = 0;
  std::string host;  // as in DNS, without trailing dot; "" = null MX (RFC 7505)
};

// RFC 6698 §2.1. `data`: the octets of the certificate association.
struct TlsaRecord {
  unsigned usage = 0;
  unsigned selector = 0;
  unsigned matching = 0;
  std::string data;
};

class Resolver {
 public:
  template <typename Record>
  using Callback = std::function<void(Result<DnsAnswer<Record>>)>;

  virtual ~Resolver() = default;
  // One element a TXT RR, its strings joined (R4).
  virtual void txt(const std::string& name, Callback<std::string> done, const Requester& requester = {}) = 0;
  virtual void mx(const std::string& name, Callback<MxRecord> done, const Requester& requester = {}) = 0;
  // AAAA and A together, in presentation form; an error only when neither could be had and one failed.
  virtual void addresses(const std::string& name, Callback<std::string> done, const Requester& requester = {}) = 0;
  // `name` is the whole owner name, "_25._tcp.mx.example.com".
  virtual void tlsa(const std::string& name, Callback<TlsaRecord> done, const Requester& requester = {}) = 0;
  // The CNAME record of `name` itself, not followed; one target as in DNS, without trailing dot.
  virtual void cname(const std::string& name, Callback<std::string> done, const Requester& requester = {}) = 0;
  // The names of a zone's servers, without trailing dot; found with `owner` = `name` where a zone begins.
  virtual void ns(const std::string& name, Callback<std::string> done, const Requester& requester = {}) = 0;
};

class Fetcher {
 public:
  using Callback = std::function<void(Result<std::string>)>;

  virtual ~Fetcher() = default;
  // The body of https://mta-sts.<domain>/.well-known/mta-sts.txt, asked for at these addresses only (R11-R14).
  // `addresses` must not be empty; those that strangers' names must not lead to (`[fetch] allow_private`) are not used.
  virtual void fetch(const Domain& domain, const std::vector<std::string>& addresses, Priority priority,
                     Callback done) = 0;
};

// A trial session with an MX host.
struct MxTrial {
  // Good: a session satisfies R25. Errors with a TLSRPT result type: what it fails for. kUnreachable: no SMTP session
  // at any address. kInvalidName: that is no host name. is_ours(): nothing was found out.
  Result<void> result;
  // Of the last connection, in presentation form; empty where there was none.
  std::string own_address{};
  std::string mx_address{};
  std::string mx_helo{};  // what it calls itself in its answer to EHLO, escaped
};

class MxProber {
 public:
  enum class Sni {
    kSent,
    kLeftOut,  // as a sending MTA does that knows of no SNI: the certificate must be right all the same
  };
  using Callback = std::function<void(const MxTrial&)>;

  virtual ~MxProber() = default;
  // Would a session to this MX host satisfy R25? STARTTLS offered and used, TLS 1.2 or later with SNI = `host`, a chain
  // to a trusted root, in date, a subjectAltName DNS-ID that matches `host`. No mail is sent. `addresses` are tried in
  // turn: the first at which there is an SMTP session decides. Those that strangers' names must not lead to
  // (`[fetch] allow_private`) are not used; where no other is left the host was not tried.
  virtual void probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) = 0;
};

class PolicyStore {
 public:
  // The right to look one domain up, given up with the object.
  class Claim {
   public:
    virtual ~Claim() = default;
  };
  // The second slot lets one more process try when the first is stuck.
  enum class Slot { kFirst, kSecond };

  virtual ~PolicyStore() = default;
  // nullopt: nothing usable is cached (absent, or damaged - then it was logged). Error kLocalFault: what is cached
  // could not be read (rights, descriptors, input or output, a policy of another version); that is no absence.
  virtual Result<std::optional<CacheEntry>> get(const Domain& domain) = 0;
  // Never replaces what could not be read.
  virtual Result<void> put(const CacheEntry& entry) = 0;
  // Is what is put there found by others later?
  [[nodiscard]] virtual bool keeps() const { return true; }
  // nullptr: another process has it. Does not wait. The store must outlive the claim.
  virtual std::unique_ptr<Claim> claim(const Domain& domain, Slot slot) = 0;
};

}  // namespace mtasts
