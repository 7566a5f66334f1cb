// The certificate matrix: policy hosts that differ in their certificate alone (tests/lab/certificates.py). One table
// for both TLS libraries, so that neither can be laxer than the other; what they see differently is in docs/adr/0006.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fetch/fetcher.h"
#include "tests/unit/fetch/fetching.h"

namespace mtasts {
namespace {

using test::Fetching;
using test::lab;
using test::lab_fetcher;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr char kNginx[] = "127.0.0.1";

constexpr char kAccepted[] = "";
// Parts of the sentence with which a certificate is refused (error kWebPkiInvalid).
constexpr char kName[] = "does not name this host in a DNS subjectAltName|does not match|no alternative certificate";
constexpr char kUntrusted[] = "is not issued by a trusted authority";
constexpr char kAnyFault[] = "certificate of mta-sts";
// GnuTLS ends the handshake before anything of this program can look: there it is a connection that failed
// (kPolicyFetch).
constexpr char kUnreadable[] = "mta-sts";

constexpr char kCurrentCrl[] = "/pki/current.crl";
constexpr char kStaleCrl[] = "/pki/stale.crl";

struct Case {
  const char* name;  // of the test
  const char* domain;
  const char* refusal;   // what the sentence says, or kAccepted
  const char* crl = "";  // a list of revoked certificates in the lab, if any
};

const Case kCases[] = {
    // Names
    {"ExactNameIsFine", "good.test", kAccepted},
    {"OneOfManyNamesInAnyCaseIsFine", "manynames.test", kAccepted},
    {"ALabelsAreFine", "alabel.xn--bcher-kva.test", kAccepted},
    {"CommonNameDoesNotMatter", "nocommonname.test", kAccepted},
    {"OtherNameIsRefused", "wrongname.test", kName},
    {"NameOfTheDomainIsRefused", "parentname.test", kName},
    {"LongerNameIsRefused", "longername.test", kName},
    {"CommonNameAloneIsRefused", "cnonly.test", kName},
    {"CommonNameBesideAnIpSanIsRefused", "cnwithipsan.test", kName},
    {"CommonNameBesideAnotherDnsSanIsRefused", "cnwithothersan.test", kName},
    {"EmailSanIsRefused", "emailsan.test", kName},
    {"UriSanIsRefused", "urisan.test", kName},
    {"DnsSanBesideAllOthersIsFine", "allsans.test", kAccepted},
    {"WildcardForOneLabelIsFine", "wildcard.test", kAccepted},
    {"WildcardInAnyCaseIsFine", "capitalwild.test", kAccepted},
    {"WildcardForTwoLabelsIsRefused", "deepwild.test", kName},
    {"WildcardBelowTheHostIsRefused", "lowwild.test", kName},
    {"TwoWildcardsAreRefused", "twowilds.test", kName},
    {"WildcardInTheMiddleIsRefused", "innerwild.test", kName},
    {"WildcardAtTheEndIsRefused", "topwild.test", kName},
    {"WildcardAloneIsRefused", "barewild.test", kName},
    {"NothingButWildcardsIsRefused", "allwild.test", kName},
    {"WildcardAfterPartOfALabelIsRefused", "partialwild.test", kName},
    {"WildcardBeforePartOfALabelIsRefused", "partialwild2.test", kName},
    {"WildcardWithinALabelIsRefused", "partialwild3.test", kName},
    // Names that are none
    {"NameBeforeANulIsRefused", "nulafter.test", kName},
    {"NameAfterANulIsRefused", "nulbefore.test", kName},
    {"NameWithANulAtItsEndIsRefused", "nulend.test", kName},
    {"CommonNameBesideANulIsRefused", "nulcn.test", kName},
    {"NameWithADotAtItsEndIsRefused", "dotend.test", kName},
    {"NameThatBeginsWithADotIsRefused", "dotbegin.test", kName},
    {"WildcardWithADotAtItsEndIsRefused", "dotwild.test", kName},
    {"NameWithASpaceIsRefused", "spaceend.test", kName},
    {"NameWithALineEndIsRefused", "lineend.test", kName},
    {"EmptyNameIsRefused", "emptyname.test", kUnreadable},
    {"ULabelsAreRefused", "ulabel.xn--bcher-kva.test", kName},
    {"GoodNameAfterAStrangeOneIsFine", "strangefirst.test", kAccepted},
    // Dates and uses
    {"ExpiredIsRefused", "expired.test", "certificate of mta-sts.expired.test .127.0.0.1. is expired"},
    {"NotYetValidIsRefused", "notyet.test", "is not yet valid"},
    {"NoStatedPurposeIsFine", "nopurpose.test", kAccepted},
    {"OnePurposeOfTwoIsFine", "bothpurposes.test", kAccepted},
    {"ForClientsIsRefused", "clientpurpose.test", "is not for servers"},
    {"ForMailIsRefused", "mailpurpose.test", "is not for servers"},
    {"ForAnyPurposeIsRefused", "anypurpose.test", "is not for servers"},
    {"KeyForSignaturesIsFine", "signingusage.test", kAccepted},
    {"KeyForCertificatesOnlyIsRefused", "signersusage.test", kUnreadable},
    {"AuthorityAsAServerIsFine", "authorityleaf.test", kAccepted},
    {"UnknownCriticalExtensionIsRefused", "criticalextension.test", kAnyFault},
    {"UnknownOtherExtensionIsFine", "otherextension.test", kAccepted},
    // Keys and signatures
    {"Rsa2048IsFine", "rsa2048.test", kAccepted},
    {"Rsa1024IsRefused", "rsa1024.test", "is too weak"},
    {"Sha1IsRefused", "sha1.test", "is too weak"},
    {"ForgedSignatureIsRefused", "forged.test", kAnyFault},
    // Chains
    {"SelfSignedIsRefused", "selfsigned.test", "certificate of mta-sts.selfsigned.test .127.0.0.1. is"},
    {"UnknownRootIsRefused", "untrusted.test", kUntrusted},
    {"IntermediateIsFine", "intermediate.test", kAccepted},
    {"TwoIntermediatesAreFine", "twointermediates.test", kAccepted},
    {"MissingIntermediateIsRefused", "missingintermediate.test", kUntrusted},
    {"UnknownRootOfAnIntermediateIsRefused", "unknownabove.test", kUntrusted},
    {"ExpiredIntermediateIsRefused", "expiredabove.test", "is expired"},
    {"LeafAsAnIntermediateIsRefused", "leafabove.test", kAnyFault},
    {"WeakIntermediateIsRefused", "weakabove.test", "is too weak"},
    {"Sha1IntermediateIsRefused", "sha1above.test", "is too weak"},
    {"ForgedIntermediateIsRefused", "forgedabove.test", kAnyFault},
    {"IntermediateForClientsIsRefused", "clientabove.test", "is not for servers"},
    {"ChainLongerThanAllowedIsRefused", "longchain.test", kAnyFault},
    {"NameThatTheAuthorityMayGiveIsFine", "permitted.test", kAccepted},
    {"NameThatTheAuthorityMayNotGiveIsRefused", "notpermitted.test", kAnyFault},
    {"NameExcludedByTheAuthorityIsRefused", "excluded.test", kAnyFault},
    // Revocation
    {"MustStapleWithoutAStapleIsRefused", "muststaple.test", "demands a stapled OCSP answer, which is missing"},
    {"RevokedIsFineWhereNobodySaysSo", "revoked.test", kAccepted},
    {"RevokedIsRefused", "revoked.test", "is revoked", kCurrentCrl},
    {"RevokedByAStaleListIsRefused", "revoked.test", "is revoked", kStaleCrl},
    {"RevokedIntermediateIsRefused", "revokedabove.test", "is revoked", kCurrentCrl},
    {"NotOnTheListIsFine", "good.test", kAccepted, kCurrentCrl},
    {"NotOnAStaleListIsFine", "good.test", kAccepted, kStaleCrl},
    {"AuthorityWithoutAListIsFine", "intermediate.test", kAccepted, kCurrentCrl},
    {"ListDoesNotExcuseAName", "cnonly.test", kName, kCurrentCrl},
    {"ListDoesNotExcuseADate", "expired.test", "is expired", kStaleCrl},
    {"ListDoesNotExcuseAnUnknownRoot", "untrusted.test", kUntrusted, kCurrentCrl},
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.domain; }

class R12Certificate : public testing::TestWithParam<Case> {};

TEST_P(R12Certificate, GetsItsVerdict) {
  const std::string refusal = GetParam().refusal;
  auto config = lab_fetcher();
  if (*GetParam().crl != '\0') config.crl_file = lab("DIR") + GetParam().crl;
  const auto result = Fetching(config).fetch(GetParam().domain, {kNginx});
  if (refusal == kAccepted) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  const bool in_handshake = refusal == kUnreadable && fetcher_tls_library() == std::string("gnutls");
  EXPECT_EQ(result.error().code, in_handshake ? ErrorCode::kPolicyFetch : ErrorCode::kWebPkiInvalid)
      << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(refusal));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Fetch, R12Certificate, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

// A fault of this machine, not of the policy host: a fetch error would mean "no policy" (R16).
TEST(Certificate, AFileOfRevokedCertificatesThatCannotBeReadIsAFaultHere) {
  auto loop = make_event_loop();
  auto config = lab_fetcher();
  for (const char* path : {"/nonexistent/revoked.crl", "/etc/ssl/certs"}) {
    config.crl_file = path;
    const auto fetcher = make_fetcher(**loop, config);
    ASSERT_FALSE(fetcher) << path;
    EXPECT_EQ(fetcher.error().code, ErrorCode::kEngine);
    EXPECT_THAT(fetcher.error().detail, HasSubstr(path));
  }
}

TEST(Certificate, AFileWithoutAListIsAFaultHere) {
  auto config = lab_fetcher();
  config.crl_file = "/etc/passwd";
  const auto result = Fetching(config).fetch("good.test", {kNginx});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kEngine) << result.error().detail;
  EXPECT_THAT(result.error().detail, HasSubstr("/etc/passwd"));
}

}  // namespace
}  // namespace mtasts
