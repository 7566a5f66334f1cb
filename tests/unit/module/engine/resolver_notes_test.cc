#include "module/engine/resolver_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mtasts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ResolverNotes, SayOfEachResolverWhetherItsAdBitCounts) {
  Config config;
  config.network.dns.resolvers = {"127.0.0.1"};
  EXPECT_THAT(resolver_notes(config), ElementsAre(HasSubstr("resolver 127.0.0.1: its AD bit counts when it has been")));
  config.network.dns.resolvers = {"[::1]:5353", "127.0.0.53"};
  EXPECT_THAT(resolver_notes(config),
              ElementsAre(HasSubstr("resolver [::1]:5353: its AD bit does not count: of 127.0.0.53"),
                          HasSubstr("resolver 127.0.0.53: its AD bit does not count")));
}

// M6: at 127.0.0.11 and 127.0.0.53 there are forwarders.
TEST(AdMayCount, AtTheLocalHostOrWhereTheAdministratorVouches) {
  for (const char* text :
       {"search x\nnameserver 127.0.0.1\nnameserver ::1\n", "", "search x\n",
        "nameserver 192.0.2.1\noptions edns0 trust-ad\n", "nameserver 127.0.0.53\noptions trust-ad\n"})
    EXPECT_TRUE(ad_may_count(text)) << text;
  for (const char* text : {"nameserver 127.0.0.53\n", "nameserver 127.0.0.11\n", "nameserver 192.0.2.1\n",
                           "nameserver 127.0.0.1\nnameserver 192.0.2.1\n", "nameserver ::2\noptions edns0\n"})
    EXPECT_FALSE(ad_may_count(text)) << text;
}

}  // namespace
}  // namespace mtasts
