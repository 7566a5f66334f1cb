// What is compiled of these tests for each TLS library: all others are compiled once and linked twice.
#include <gtest/gtest.h>

#include "fetch/fetcher.h"

namespace mtasts {
namespace {

TEST(Fetcher, IsBuiltForTheTlsLibraryItSays) { EXPECT_STREQ(fetcher_tls_library(), MTASTS_TEST_TLS); }

}  // namespace
}  // namespace mtasts
