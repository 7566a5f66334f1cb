// What an engine library is made with: [dns], [fetch] and what follows from them for probes and audits.
#pragma once

#include "dns/resolver.h"
#include "dns/resolver_address.h"
#include "dns/server_questions.h"
#include "fetch/fetcher.h"
#include "fetch/prober.h"

namespace mtasts {

struct NetworkConfig {
  ResolverConfig dns;
  FetcherConfig fetch;
  ProberConfig probe;
  ServerQuestionsConfig servers;
};

}  // namespace mtasts
