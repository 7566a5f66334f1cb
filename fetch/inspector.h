// The HostInspector over libcurl: one policy host or MX host at one address, for an audit. As strict as fetcher and
// prober, but it says how far each step came. Built twice, once for each TLS library; the verdicts are the same.
#pragma once

#include <memory>

#include "core/inspection.h"
#include "core/result.h"
#include "fetch/fetcher.h"
#include "fetch/prober.h"

namespace mtasts {

// As for make_fetcher() and make_prober(), whose limits hold here by themselves: an audit never takes places from
// lookups. The authorities are read when the first host is looked at.
Result<std::unique_ptr<HostInspector>> make_inspector(EventLoop& loop, const FetcherConfig& policy_hosts,
                                                      const ProberConfig& mx_hosts, ZoneOf zone_of = own_zone);

}  // namespace mtasts
