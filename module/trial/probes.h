// Whether MX hosts would pass (R25), found out in the background and cached for minutes: smtpd tries only the host
// that it is named, and comes back after minutes when that one fails.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ports.h"
#include "core/time.h"
#include "module/io/keyed_hash.h"
#include "module/io/log.h"
#include "module/io/short_memory.h"

namespace mtasts {

// What is to be expected of an MX host, the best first.
enum class Prospect {
  kPasses,
  kUnknown,       // nothing is known of it, or no longer
  kNeedsSni,      // passes, but not where no SNI is sent, and this smtpd may be one that sends none
  kFailedBefore,  // when it was last tried, which is too long ago to count
  kFails,
};

// Everything passed to the constructor must outlive the object. One thread.
class Probes {
 public:
  using Clock = std::function<SteadyTime()>;
  using Done = std::function<void()>;
  struct Deps {
    Resolver& resolver;
    MxProber& prober;
    Log& log;
    Clock clock;
  };
  struct Finding {
    MxTrial trial;  // with SNI
    bool passes;    // also where it could not be tried
    bool needs_sni;
  };
  using Known = ShortMemory<Finding>::Item;

  enum class Sni { kSent, kPerhapsNotSent };  // kPerhapsNotSent: which hosts need it is found out as well

  Probes(Deps deps, Sni sni);

  [[nodiscard]] SteadyTime now() const { return deps_.clock(); }
  [[nodiscard]] Prospect prospect(const std::string& host) const;
  // nullptr: nothing is known of it, or no longer. Until the next call of probe().
  [[nodiscard]] const Known* known(const std::string& host) const;
  // Finds it out, once for all who ask meanwhile; `done` is called when it is known, never from inside this call.
  void probe(const std::string& host, Done done);

 private:
  using Addresses = std::vector<std::string>;

  void try_with_sni(const std::string& host, const Addresses& addresses);
  void try_without_sni(const std::string& host, const MxTrial& with_sni);
  void judge_need_of_sni(const std::string& host, const MxTrial& with_sni, const Result<void>& without);
  void ended(const std::string& host, const MxTrial& trial);
  void cache(const std::string& host, Finding finding, std::chrono::minutes time);

  Deps deps_;
  Sni sni_;
  ShortMemory<Finding> findings_;
  std::unordered_map<std::string, std::vector<Done>, KeyedHash> waiting_;
};

}  // namespace mtasts
