#include "adapters/cli/publish/snippets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/publish/internet.h"

namespace mtasts::publish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<Site> kSites{{domain("example.com"), {domain("example.net")}}, {domain("example.org")}};

std::string snippet(std::size_t place, const std::string& certificates = "") {
  return snippets(kSites, {"/srv/www", certificates})[place].text();
}

TEST(PublishSnippets, NginxListensOnBothProtocolsAndServesOneFile) {
  EXPECT_THAT(snippet(0),
              AllOf(HasSubstr("listen 443 ssl;"), HasSubstr("listen [::]:443 ssl;"),
                    HasSubstr("server_name mta-sts.example.com mta-sts.example.net;"),
                    HasSubstr("location = /.well-known/mta-sts.txt {"), HasSubstr("default_type text/plain;"),
                    HasSubstr("root /srv/www/mta-sts.example.com;"), HasSubstr("return 404;"),
                    HasSubstr("/etc/letsencrypt/live/mta-sts.example.org/privkey.pem"), Not(HasSubstr("301"))));
}

TEST(PublishSnippets, CaddyGetsItsOwnCertificatesUnlessTheyAreNamed) {
  EXPECT_THAT(snippet(1), AllOf(HasSubstr("mta-sts.example.com, mta-sts.example.net {"), Not(HasSubstr("tls "))));
  EXPECT_THAT(snippet(1, "/certs"),
              HasSubstr("tls /certs/mta-sts.example.com/fullchain.pem /certs/mta-sts.example.com/privkey.pem"));
}

TEST(PublishSnippets, ApacheHasAnAliasWhereThereIsOne) {
  EXPECT_THAT(snippet(2),
              AllOf(HasSubstr("ServerName mta-sts.example.com\n    ServerAlias mta-sts.example.net\n"),
                    HasSubstr("ServerName mta-sts.example.org\n    SSLEngine"), HasSubstr("ForceType text/plain")));
}

TEST(PublishSnippets, APathThatWouldBeMoreThanAPathIsRefused) {
  EXPECT_TRUE(check_paths({"/srv/www-1.0/a_b", "/etc/x"}));
  for (const char* path :
       {"/srv/my www", "/srv/a;b", "/srv/\"a", "/srv/a\nb", "/srv/{a}", "/srv/$a", "/srv/a%b", "/srv/#a"})
    EXPECT_FALSE(check_paths({path, ""})) << path;
}

}  // namespace
}  // namespace mtasts::publish
