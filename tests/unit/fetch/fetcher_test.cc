// The fetcher against real web servers, good and bad (tests/lab/fixtures.py). Built once for each TLS library: the
// verdicts must be the same. Certificates (R12): certificate_test.cc.
#include "fetch/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>
#include <utility>

#include "core/policy.h"
#include "tests/unit/fetch/fetching.h"
#include "tests/unit/lab.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/own_network.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Fetching;
using test::lab;
using test::lab_fetcher;
using testing::AllOf;
using testing::ContainsRegex;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::StartsWith;

constexpr char kNginx[] = "127.0.0.1";
constexpr char kRaw[] = "127.0.0.2";
constexpr char kOldTls[] = "127.0.0.3";
constexpr char kSilent[] = "127.0.0.4";
constexpr char kClosed[] = "127.0.0.9";

// One policy host and what must come of it.
struct Verdict {
  const char* name;  // of the test
  const char* domain;
  const char* address;
  std::optional<ErrorCode> error;  // absent: the policy file
  const char* says;                // part of the error's sentence
};

constexpr ErrorCode kFetch = ErrorCode::kPolicyFetch;
constexpr ErrorCode kPki = ErrorCode::kWebPkiInvalid;
constexpr char kNoDnsSan[] =
    "does not name this host in a DNS subjectAltName|does not match|no alternative certificate";

const Verdict kVerdicts[] = {
    {"R11GoodHostGivesItsFile", "good.test", kNginx, {}, ""},
    {"R11TlsBefore12IsRefused", "oldtls.test", kOldTls, kFetch, "oldtls.test"},
    {"R3CertificateForTheOriginalNameIsFine", "cname.test", kNginx, {}, ""},
    {"R3CertificateForTheCnameTargetIsRefused", "cnamecert.test", kNginx, kPki, kNoDnsSan},
    {"R13MovedPermanentlyIsNotFollowed", "redirect.test", kNginx, kFetch,
     "redirect to https://mta-sts.good.test/.well-known/mta-sts.txt refused"},
    {"R13FoundElsewhereIsNotFollowed", "redirect302.test", kNginx, kFetch, "redirect to .* refused"},
    {"R13NotFoundIsNoPolicy", "notfound.test", kNginx, kFetch, "HTTP status 404 instead of 200"},
    {"R13ServerErrorIsNoPolicy", "servererror.test", kNginx, kFetch, "HTTP status 500 instead of 200"},
    {"R13HtmlIsNoPolicy", "html.test", kNginx, kFetch, "media type text/html instead of text/plain"},
    {"R13NoMediaTypeIsNoPolicy", "notype.test", kNginx, kFetch, "no media type"},
    {"R13MediaTypeParametersAreIgnored", "charset.test", kNginx, {}, ""},
    {"R14ExactlyTheLimitIsFine", "max.test", kNginx, {}, ""},
    {"R14OneOctetMoreIsRefused", "big.test", kNginx, kFetch, "larger than 64 KiB"},
    {"R14UndeclaredGiantIsCutOff", "bigchunked.test", kRaw, kFetch, "larger than 64 KiB"},
    {"R14DeclaredGiantIsRefused", "declaresgiant.test", kRaw, kFetch, "larger than 64 KiB"},
    {"R14ContentEncodingIsRefused", "gzip.test", kNginx, kFetch, "content encoding gzip"},
    {"R14LessThanDeclaredIsRefused", "declaresmore.test", kRaw, kFetch, "declaresmore.test"},
    {"R14MoreThanDeclaredIsCutOff", "declaresless.test", kRaw, {}, ""},
    {"AFileThatMayHaveBeenCutOffIsRefused", "cutoff.test", kRaw, kFetch, "cutoff.test"},
    {"AFileThatEndsWithTheSessionIsFine", "undeclared.test", kRaw, {}, ""},
    {"GarbageInsteadOfHttpIsRefused", "garbage.test", kRaw, kFetch, "garbage.test"},
    {"NothingListeningIsAFailure", "good.test", kClosed, kFetch, "mta-sts.good.test"},
    {"AnEmptyFileIsAFile", "empty.test", kNginx, {}, ""},
    {"ABadPolicyIsAFile", "badpolicy.test", kNginx, {}, ""},
};

void PrintTo(const Verdict& verdict, std::ostream* out) { *out << verdict.domain; }

class PolicyHost : public testing::TestWithParam<Verdict> {};

TEST_P(PolicyHost, GetsItsVerdict) {
  const Verdict& verdict = GetParam();
  const auto result = Fetching(lab_fetcher()).fetch(verdict.domain, {verdict.address});
  if (!verdict.error) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, *verdict.error) << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(verdict.says));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
  RecordProperty("detail", result.error().detail);
}

INSTANTIATE_TEST_SUITE_P(Fetch, PolicyHost, testing::ValuesIn(kVerdicts),
                         [](const auto& info) { return info.param.name; });

TEST(Fetcher, GivesTheExactBytes) {
  Fetching fetching(lab_fetcher());
  EXPECT_EQ(fetching.fetch("good.test", {kNginx}).value(),
            "version: STSv1\r\nmode: enforce\r\nmx: mx1.good.test\r\nmx: *.wild.good.test\r\nmax_age: 604800\r\n");
  EXPECT_EQ(fetching.fetch("max.test", {kNginx})->size(), kMaxPolicyBytes);
  EXPECT_EQ(fetching.fetch("declaresless.test", {kRaw})->find("not.declared"), std::string::npos);
  EXPECT_EQ(fetching.fetch("empty.test", {kNginx}).value(), "");
}

TEST(Fetcher, M3ASilentHostKeepsItsPlaceForTenSecondsOnly) { EXPECT_EQ(FetcherConfig{}.connect_timeout, seconds{10}); }

// What it did not read meanwhile, and how soon a host gives up, says nothing of the host.
TEST(Fetcher, ATimeLimitThatPassedWhileTheProcessStoodStillIsNoFailureOfTheHost) {
  auto config = lab_fetcher();
  config.timeout = config.connect_timeout = seconds{1};
  Fetching fetching(config);
  const auto stall = fetching.loop().after(milliseconds{300}, [] { std::this_thread::sleep_for(milliseconds{900}); });
  const auto result = fetching.fetch("silent.test", {kSilent});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotTried) << result.error().detail;
  EXPECT_THAT(result.error().detail, HasSubstr("this process was busy or stood still"));
}

struct Slow {
  const char* domain;
  const char* address;
};
class SlowPolicyHost : public testing::TestWithParam<Slow> {};

TEST_P(SlowPolicyHost, R14TheWholeFetchHasOneTimeLimit) {
  auto config = lab_fetcher();
  config.timeout = seconds{2};
  const auto begin = steady_clock::now();
  const auto result = Fetching(config).fetch(GetParam().domain, {GetParam().address});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kPolicyFetch);
  EXPECT_THAT(result.error().detail, testing::ContainsRegex("no (policy file|TLS session) within 2 s"));
  EXPECT_THAT(steady_clock::now() - begin, AllOf(Ge(milliseconds{1900}), Le(seconds{8})));
}

INSTANTIATE_TEST_SUITE_P(Fetch, SlowPolicyHost,
                         testing::Values(Slow{"slow.test", kRaw}, Slow{"slowheader.test", kRaw},
                                         Slow{"silent.test", kSilent}),
                         [](const auto& info) {
                           return std::string(info.param.domain, strcspn(info.param.domain, "."));
                         });

TEST(Fetcher, TriesTheOtherAddressWhenOneIsDead) {
  Fetching fetching(lab_fetcher());
  EXPECT_TRUE(fetching.fetch("good.test", {kClosed, kNginx}));
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx, kClosed}));
}

TEST(Fetcher, TriesBothFamilies) {
  Fetching fetching(lab_fetcher());
  EXPECT_TRUE(fetching.fetch("good.test", {"2001:db8::dead", kNginx}));
  if (!test::lab_has_ipv6()) return;
  const auto six = fetching.fetch("twoaddr.test", {"::1", kClosed});
  EXPECT_TRUE(six) << six.error().detail;
  EXPECT_TRUE(fetching.fetch("ipv6only.test", {"::1"}));
}

TEST(Fetcher, AsksAtTheGivenAddressesOnly) {
  // localhost.localdomain-like names that the system itself would find must not be found.
  Fetching fetching(lab_fetcher());
  for (const std::vector<std::string>& none : {std::vector<std::string>{}, {"good.test"}, {"127.0.0.1:443"}, {""}}) {
    const auto result = fetching.fetch("good.test", none);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kPolicyFetch);
    EXPECT_EQ(result.error().detail, "mta-sts.good.test has no address");
  }
}

TEST(Fetcher, ForgetsTheAddressesOfAnEarlierFetch) {
  Fetching fetching(lab_fetcher());
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  EXPECT_FALSE(fetching.fetch("good.test", {kClosed}));
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
}

TEST(Fetcher, R13IgnoresProxiesOfTheEnvironment) {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    setenv(name, "http://127.0.0.9:1", 1);
  const auto result = Fetching(lab_fetcher()).fetch("good.test", {kNginx});
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(name);
  EXPECT_TRUE(result) << result.error().detail;
}

TEST(Fetcher, RefusesAnHttpsProxy) {
  auto loop = make_event_loop();
  auto config = lab_fetcher();
  config.proxy = "https://proxy.example:3128";
  const auto fetcher = make_fetcher(**loop, config);
  ASSERT_FALSE(fetcher);
  EXPECT_EQ(fetcher.error().code, ErrorCode::kConfig);
}

// A process that lives for days: who is removed from the file is not believed any longer, and who is added is.
TEST(Fetcher, GoesOnWithTheAuthoritiesThatTheFileHas) {
  const Scratch scratch;
  const std::string file = scratch.path() + "/ca.crt";
  const auto copy = std::filesystem::copy_options::overwrite_existing;
  auto config = lab_fetcher();
  std::filesystem::copy_file(std::exchange(config.ca_file, file), file);
  Fetching fetching(config);
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  std::filesystem::copy_file("/etc/ssl/certs/ca-certificates.crt", file, copy);
  std::this_thread::sleep_for(std::chrono::seconds{12});
  const auto refused = fetching.fetch("good.test", {kNginx});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kWebPkiInvalid);
  std::filesystem::copy_file(lab("CA"), file, copy);
  std::this_thread::sleep_for(std::chrono::seconds{12});
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
}

// A fault of this machine, not of the policy host: a fetch error would mean "no policy" (R16).
TEST(Fetcher, DoesNotStartWithoutAFileOfTrustedAuthorities) {
  auto loop = make_event_loop();
  auto config = lab_fetcher();
  for (const char* path : {"/nonexistent/ca.crt", "/etc/ssl/certs", "/etc/passwd"}) {
    config.ca_file = path;
    const auto fetcher = make_fetcher(**loop, config);
    ASSERT_FALSE(fetcher) << path;
    EXPECT_EQ(fetcher.error().code, ErrorCode::kLocalFault);
    EXPECT_THAT(fetcher.error().detail, HasSubstr(path));
  }
}

// Nor may that count as a policy host that fails.
TEST(Fetcher, R16WithoutALocalPortNothingIsSaidOfTheHost) {
  const pid_t child = fork();
  if (child == 0) {
    if (!test::enter_network_without_ports()) _exit(2);
    const auto result = Fetching(lab_fetcher()).fetch("good.test", {kNginx});
    if (!result) std::cerr << error_name(result.error().code) << ": " << result.error().detail << "\n";
    const bool is_right = !result && result.error().code == ErrorCode::kLocalFault &&
                          result.error().detail.find("no local port is free") != std::string::npos;
    _exit(is_right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// connect(2) has the same word for both.
TEST(Fetcher, R16AnAddressOfAKindThatThisMachineHasNotIsNoFaultOfThisMachine) {
  const pid_t child = fork();
  if (child == 0) {
    if (!test::enter_network_without_ipv6()) _exit(2);
    const auto result = Fetching(lab_fetcher()).fetch("good.test", {"::1"});
    if (!result) std::cerr << error_name(result.error().code) << ": " << result.error().detail << "\n";
    _exit(!result && result.error().code == ErrorCode::kPolicyFetch ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Fetcher, TrustsNobodyButTheGivenFile) {
  auto config = lab_fetcher();
  config.ca_file = "/etc/ssl/certs/ca-certificates.crt";  // the lab's root is not in it
  const auto result = Fetching(config).fetch("good.test", {kNginx});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kWebPkiInvalid);
}

// Of the same name as OpenSSL looks for: of the subject of the lab's root.
std::string name_in_folder(const std::string& certificate) {
  std::string name(8, '\0');
  FILE* openssl = popen(("openssl x509 -noout -hash -in " + certificate).c_str(), "r");
  EXPECT_EQ(std::fread(name.data(), 1, name.size(), openssl), name.size());
  EXPECT_EQ(pclose(openssl), 0);
  return name + ".0";
}

// libcurl would trust those in the system's folder as well.
TEST(Fetcher, TrustsNobodyInTheSystemsFolder) {
  if (geteuid() != 0) GTEST_SKIP() << "takes root";
  const Scratch scratch;
  auto config = lab_fetcher();
  const std::string folder = scratch.path() + "/certs";
  std::filesystem::create_directory(folder);
  std::filesystem::copy_file(config.ca_file, folder + "/" + name_in_folder(config.ca_file));
  config.ca_file = scratch.path() + "/others.crt";
  std::filesystem::copy_file("/etc/ssl/certs/ca-certificates.crt", config.ca_file);
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount(folder.c_str(), "/etc/ssl/certs", nullptr, MS_BIND, nullptr) != 0)
      _exit(2);
    const auto result = Fetching(config).fetch("good.test", {kNginx});
    _exit(!result && result.error().code == ErrorCode::kWebPkiInvalid ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Fetcher, FetchesManyAtATimeWithinTheLimit) {
  auto config = lab_fetcher();
  config.max_in_flight = 10;
  Fetching fetching(config);
  constexpr int kFetches = 60;
  int ended = 0;
  int failed = 0;
  for (int i = 0; i < kFetches; ++i) {
    fetching.fetcher().fetch(Domain::parse("good.test").value(), {kNginx}, Priority::kFirstContact, [&](auto result) {
      failed += result ? 0 : 1;
      if (++ended == kFetches) fetching.loop().stop();
    });
  }
  fetching.loop().run();
  EXPECT_EQ(ended, kFetches);
  EXPECT_EQ(failed, 0);
}

TEST(Fetcher, FetchesInTurnsWhenOnlyOneMayBeInFlight) {
  auto config = lab_fetcher();
  config.max_in_flight = 1;
  Fetching fetching(config);
  std::string order;
  const auto fetch = [&](const char* domain, const char* address, char mark) {
    fetching.fetcher().fetch(Domain::parse(domain).value(), {address}, Priority::kFirstContact,
                             [&order, mark](auto) { order += mark; });
  };
  fetch("good.test", kNginx, 'a');
  fetch("good.test", kClosed, 'b');
  fetch("notfound.test", kNginx, 'c');
  fetching.loop().run();
  EXPECT_EQ(order, "acb") << "one of each domain";
}

TEST(Fetcher, MayBeAskedFromInsideACallback) {
  Fetching fetching(lab_fetcher());
  bool done = false;
  fetching.fetcher().fetch(Domain::parse("notfound.test").value(), {kNginx}, Priority::kFirstContact, [&](auto) {
    fetching.fetcher().fetch(Domain::parse("good.test").value(), {kNginx}, Priority::kFirstContact, [&](auto result) {
      done = result.has_value();
      fetching.loop().stop();
    });
  });
  fetching.loop().run();
  EXPECT_TRUE(done);
}

TEST(Fetcher, DropsTheFetchesUnderWayAtItsEnd) {
  auto config = lab_fetcher();
  config.max_in_flight = 2;
  Fetching fetching(config);
  bool called = false;
  const auto note = [&](auto) { called = true; };
  fetching.fetcher().fetch(Domain::parse("silent.test").value(), {kSilent}, Priority::kFirstContact, note);
  fetching.fetcher().fetch(Domain::parse("slow.test").value(), {kRaw}, Priority::kFirstContact, note);
  fetching.fetcher().fetch(Domain::parse("silent.test").value(), {kSilent}, Priority::kFirstContact, note);
  const auto watch = fetching.loop().after(milliseconds{300}, [&] { fetching.loop().stop(); });
  fetching.loop().run();
  fetching.destroy_fetcher();
  const auto end = fetching.loop().after(milliseconds{50}, [&] { fetching.loop().stop(); });
  fetching.loop().run();
  EXPECT_FALSE(called);
}

TEST(Fetcher, IsOfNoUseInAChild) {
  Fetching fetching(lab_fetcher());
  const pid_t child = fork();
  if (child == 0) {
    const auto result = fetching.fetch("good.test", {kNginx});
    _exit(!result && result.error().code == ErrorCode::kInternal ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mtasts
