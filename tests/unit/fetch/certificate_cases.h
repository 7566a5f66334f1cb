// The certificate matrix (tests/lab/certificates.py): hosts that differ in their certificate alone, policy hosts (R12)
// and MX hosts (R25) alike. One table for both TLS libraries, so that neither can be laxer than the other; what they
// see differently is in docs/adr/0006.
#pragma once

#include <ostream>
#include <string>

namespace mtasts::test {

inline constexpr char kAccepted[] = "";
// Deps of the sentence with which a certificate is refused (error kWebPkiInvalid).
inline constexpr char kName[] =
    "does not name this host in a DNS subjectAltName|does not match|no alternative certificate";
inline constexpr char kUntrusted[] = "is not issued by a trusted authority";
inline constexpr char kSelfSigned[] = "is self-signed|is not issued by a trusted authority";
inline constexpr char kAnyFault[] = "certificate of mta-sts";
// GnuTLS ends the handshake before anything of this program can look: there it is a connection that failed
// (kPolicyFetch).
inline constexpr char kUnreadable[] = "mta-sts";

inline constexpr char kCurrentCrl[] = "/pki/current.crl";
inline constexpr char kStaleCrl[] = "/pki/stale.crl";

struct CertificateCase {
  const char* name;  // of the test
  const char* domain;
  const char* refusal;   // what the sentence says, or kAccepted
  const char* crl = "";  // a list of revoked certificates in the lab, if any
};

inline const CertificateCase kCertificateCases[] = {
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
    {"ExpiredIsRefused", "expired.test", "is expired"},
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
    {"SelfSignedIsRefused", "selfsigned.test", kSelfSigned},
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
    // More than one fault
    {"ExpiredForAnotherNameIsRefused", "expiredwrongname.test", "is expired"},
    {"ExpiredWithACommonNameAloneIsRefused", "expiredcnonly.test", "is expired"},
    {"ExpiredAndSelfSignedIsRefused", "expiredselfsigned.test", "is expired"},
    {"ExpiredOfAnUnknownRootIsRefused", "expireduntrusted.test", "is expired"},
    {"NotYetValidForAnotherNameIsRefused", "notyetwrongname.test", "is not yet valid"},
    {"SelfSignedForAnotherNameIsRefused", "selfsignedwrongname.test", kSelfSigned},
    {"UnknownRootForAnotherNameIsRefused", "untrustedwrongname.test", kUntrusted},
    {"WeakOfAnUnknownRootIsRefused", "untrustedweak.test", kAnyFault},
    {"ExpiredForClientsIsRefused", "expiredforclients.test", "is expired"},
    {"ForClientsForAnotherNameIsRefused", "forclientswrongname.test", kName},
};

inline void PrintTo(const CertificateCase& row, std::ostream* out) { *out << row.domain; }

}  // namespace mtasts::test
