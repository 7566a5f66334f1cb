// Resolvers that fail while thousands ask: they are not hammered, and nobody waits for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "module/io/system_calls.h"
#include "tests/unit/cost.h"
#include "tests/unit/dns/asking.h"
#include "tests/unit/dns/scripted_server.h"
#include "tests/unit/lab.h"
#include "tests/unit/own_network.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Asking;
using test::asking_at;
using test::character_string;
using test::Cost;
using test::lab;
using test::Message;
using test::Query;
using test::ScriptedServer;
using test::wire_name;

constexpr int kMany = 1000;
constexpr long kSome = 64;  // MiB

ResolverConfig impatient(std::vector<std::string> resolvers) {
  auto config = asking_at(std::move(resolvers));
  config.timeout = seconds{1};
  return config;
}

std::string an_answer(const Query& query) {
  return Message{.answer = {test::rr(query.name, query.type, 300, character_string("x"))}}.to(query);
}

const std::string kSilence;

// Each asks for a zone of its own, first contacts all.
Requester stranger(int number) { return {"stranger" + std::to_string(number) + ".test", Priority::kFirstContact}; }

// Asks that many times for `name` and waits for every answer. How many of them ended how; "" is success.
std::map<std::string, int> ask(Asking& asking, int times, const std::string& name = "good.test") {
  std::map<std::string, int> outcomes;
  int open = times;
  for (int i = 0; i < times; ++i)
    asking.resolver().txt(
        name,
        [&](auto answer) {
          ++outcomes[answer ? "" : std::string(error_name(answer.error().code))];
          if (--open == 0) asking.loop().stop();
        },
        stranger(i));
  asking.loop().run();
  EXPECT_EQ(open, 0) << "nobody is forgotten";
  return outcomes;
}

// A process that has much else to do in each round of its loop: questions must not wait for rounds of their own.
TEST(BusyLoop, AsksAndHearsManyInFewRounds) {
  const ScriptedServer server([](const Query& query) { return an_answer(query); });
  Asking asking(impatient({server.address()}));
  std::unique_ptr<EventLoop::Watch> busy;
  const std::function<void()> work = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    busy = asking.loop().after(std::chrono::milliseconds{0}, work);
  };
  work();
  EXPECT_EQ(ask(asking, 200)[""], 200) << "within a timeout of a second";
}

// A stranger's handshake may cost what it likes: it makes nobody believe that the resolver is gone.
TEST(BusyLoop, WhatItCouldNotReadInTimeIsNoFailureOfDns) {
  const ScriptedServer server([](const Query& query) { return an_answer(query); });
  Asking asking(impatient({server.address()}));
  const auto stall = asking.loop().after(milliseconds{0}, [] { std::this_thread::sleep_for(seconds{4}); });
  EXPECT_THAT(ask(asking, 1), testing::ElementsAre(testing::Pair("not-tried", 1)));
}

// A sync on a busy disk, say, in the callback before the one that asks: the question has its whole time.
TEST(BusyLoop, WhatIsAskedAfterAStallHasItsWholeTime) {
  const ScriptedServer server([](const Query& query) { return an_answer(query); });
  Asking asking(impatient({server.address()}));
  const auto stall = asking.loop().after(milliseconds{0}, [] { std::this_thread::sleep_for(milliseconds{1500}); });
  EXPECT_TRUE(asking.txt("good.test"));
}

// The time limit passes before the question is even sent; it is asked once more.
TEST(BusyLoop, WhatAStallKeptFromBeingSentIsAskedAgain) {
  const ScriptedServer server([](const Query& query) { return an_answer(query); });
  Asking asking(impatient({server.address()}));
  std::unique_ptr<EventLoop::Watch> stall;
  stall = asking.loop().after(milliseconds{0}, [&] {
    stall = asking.loop().after(milliseconds{0}, [] { std::this_thread::sleep_for(milliseconds{1300}); });
  });
  EXPECT_TRUE(asking.txt("good.test"));
}

// A resolver that would have answered in time, had it been asked in time, is not blamed.
TEST(BusyLoop, R20AStallOfHalfTheTimeIsNoFailureOfDns) {
  const ScriptedServer server([](const Query&) { return kSilence; });
  auto config = impatient({server.address()});
  config.deadline = seconds{2};
  Asking asking(config);
  const auto stall = asking.loop().after(milliseconds{200}, [] { std::this_thread::sleep_for(milliseconds{1500}); });
  const auto answer = asking.txt("good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotTried) << answer.error().detail;
}

TEST(FailingResolver, ThatIsSilentGetsEverFewerQuestions) {
  const ScriptedServer server([](const Query&) { return kSilence; });
  Asking asking(impatient({server.address()}));
  const Cost cost;
  auto outcomes = ask(asking, kMany);
  EXPECT_EQ(outcomes["dns-timeout"], kMany);
  cost.expect_within(seconds{6}, kSome);
  EXPECT_GE(server.queries(), 200);
  EXPECT_LE(server.queries(), 200 + 100 + 50 + 25 + 4) << "and one a second for localhost";
}

TEST(FailingResolver, ThatHangsUpGetsEverFewerQuestions) {
  const ScriptedServer server([](const Query&) { return std::nullopt; });
  Asking asking(impatient({server.address()}));
  const Cost cost;
  auto outcomes = ask(asking, kMany);
  EXPECT_EQ(outcomes["dns-unreachable"] + outcomes["dns-timeout"], kMany);
  cost.expect_within(seconds{6}, kSome);
  EXPECT_LE(server.queries(), 100) << "each connection brings one question only";
}

TEST(FailingResolver, ThatNobodyListensAtLetsNobodyWaitForEver) {
  Asking asking(impatient({lab("REFUSED_RESOLVER")}));
  const Cost cost;
  auto outcomes = ask(asking, kMany);
  EXPECT_EQ(outcomes["dns-unreachable"] + outcomes["dns-timeout"], kMany);
  cost.expect_within(seconds{6}, kSome);
}

TEST(FailingResolver, ThatComesBackGetsAllQuestions) {
  std::atomic<bool> works = false;
  const ScriptedServer server([&](const Query& query) { return works ? an_answer(query) : kSilence; });
  Asking asking(impatient({server.address()}));
  auto outcomes = ask(asking, kMany);
  EXPECT_EQ(outcomes["dns-timeout"], kMany);
  works = true;
  const Cost cost;
  EXPECT_EQ(ask(asking, kMany)[""], kMany);
  cost.expect_within(seconds{3}, kSome);
}

TEST(FailingResolver, LeavesItsQuestionsToTheNext) {
  const ScriptedServer dead([](const Query&) { return kSilence; });
  const ScriptedServer good(&an_answer);
  Asking asking(impatient({dead.address(), good.address()}));
  const Cost cost;
  EXPECT_EQ(ask(asking, kMany)[""], kMany);
  cost.expect_within(seconds{3}, kSome);
  EXPECT_LE(dead.queries(), 200 + 2);
}

TEST(FailingResolver, TheThirdAnswersForTwoThatAreSilent) {
  const ScriptedServer dead([](const Query&) { return kSilence; });
  const ScriptedServer dead_too([](const Query&) { return kSilence; });
  const ScriptedServer good(&an_answer);
  auto config = impatient({dead.address(), dead_too.address(), good.address()});
  config.timeout = seconds{5};
  config.deadline = seconds{4};
  const Cost cost;
  const auto answer = Asking(config).txt("good.test");
  EXPECT_TRUE(answer) << answer.error().detail;
  cost.expect_within(seconds{4}, kSome);
}

// An smtpd is answered after two seconds; what is found out behind that answer counts for the next mail.
TEST(FailingResolver, WhoIsAnsweredEarlierTakesNoTimeFromALookup) {
  const auto slowly = [](const Query& query) {
    std::this_thread::sleep_for(milliseconds{1500});
    return an_answer(query);
  };
  const ScriptedServer first(slowly);
  const ScriptedServer second(slowly);
  auto config = impatient({first.address(), second.address()});
  config.timeout = seconds{5};
  config.client_deadline = seconds{2};
  const auto answer = Asking(config).txt("good.test");
  EXPECT_TRUE(answer) << answer.error().detail;
}

// One that there was no time to ask has not failed (R20).
TEST(FailingResolver, R20ThatWasNotAskedInTimeIsNoFailureOfDns) {
  const ScriptedServer dead([](const Query&) { return kSilence; });
  const ScriptedServer dead_too([](const Query&) { return kSilence; });
  const ScriptedServer good(&an_answer);
  auto config = impatient({dead.address(), dead_too.address(), good.address()});
  config.deadline = seconds{2};
  const auto answer = Asking(config).txt("good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotTried) << answer.error().detail;
}

// Names whose own servers are silent are cheap to have: they must not keep the others from being asked for.
TEST(FailingResolver, IsNotWhoIsSlowForSomeNamesOnly) {
  const auto slow = wire_name("slow.test");
  const ScriptedServer server([&](const Query& query) { return query.name == slow ? kSilence : an_answer(query); });
  auto config = impatient({server.address()});
  config.max_in_flight = 8;
  Asking asking(config);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(ask(asking, 8, "slow.test")["dns-timeout"], 8);
  for (int i = 0; i < 7; ++i)
    asking.resolver().txt(
        "slow.test", [](const auto&) {}, stranger(i));
  const Cost cost;
  EXPECT_TRUE(asking.txt("good.test"));
  cost.expect_within(milliseconds{800}, 16);
}

// The same, and it takes all places: what waits for one of them was not tried, which is no failure of DNS.
TEST(CrowdedResolver, WhatWaitsForAPlaceInVainWasNotTried) {
  const auto slow = wire_name("slow.test");
  const ScriptedServer server([&](const Query& query) { return query.name == slow ? kSilence : an_answer(query); });
  auto config = impatient({server.address()});
  config.max_in_flight = 8;
  config.deadline = seconds{1};
  Asking asking(config);
  for (int i = 0; i < 8; ++i)
    asking.resolver().txt(
        "slow.test", [](const auto&) {}, stranger(i));
  const Cost cost;
  const auto answer = asking.txt("good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotTried) << answer.error().detail;
  EXPECT_THAT(answer.error().detail, testing::HasSubstr("too many questions are under way (good.test TXT)"));
  cost.expect_within(milliseconds{900}, 16);
}

// M2: whatever one zone asks for, others' records are asked for at once.
TEST(CrowdedResolver, OneZoneOfSilentNamesLeavesPlacesToOthers) {
  const auto good = wire_name("good.test");
  const ScriptedServer server([&](const Query& query) { return query.name == good ? an_answer(query) : kSilence; });
  auto config = asking_at({server.address()});
  config.max_in_flight = 8;
  Asking asking(config);
  for (int i = 0; i < 100; ++i)
    asking.resolver().txt("a" + std::to_string(i) + ".slow.test", [](const auto&) {},
                          {"slow.test", Priority::kFirstContact});
  const Cost cost;
  EXPECT_TRUE(asking.txt("good.test"));
  cost.expect_within(milliseconds{900}, 16);
}

class CrowdedBy : public testing::TestWithParam<Priority> {};

TEST_P(CrowdedBy, WhatIsNoFirstContactLeavesPlacesToRecords) {
  const auto good = wire_name("good.test");
  const ScriptedServer server([&](const Query& query) { return query.name == good ? an_answer(query) : kSilence; });
  auto config = asking_at({server.address()});
  config.max_in_flight = 8;
  Asking asking(config);
  for (int i = 0; i < 100; ++i) {
    auto requester = stranger(i);
    requester.priority = GetParam();
    asking.resolver().tlsa(
        "_25._tcp.slow.test", [](const auto&) {}, requester);
  }
  const Cost cost;
  bool is_answered = false;
  asking.resolver().txt("good.test",
                        [&](const auto& answer) {
                          is_answered = answer.has_value();
                          asking.loop().stop();
                        },
                        {"good.test", Priority::kFirstContact});
  asking.loop().run();
  EXPECT_TRUE(is_answered);
  cost.expect_within(milliseconds{900}, 16);
}
INSTANTIATE_TEST_SUITE_P(CrowdedResolver, CrowdedBy, testing::Values(Priority::kDane, Priority::kOther));

// Who does not wait long for a turn is not told either that a resolver was not asked which answers nobody.
TEST(FailingResolver, OneThatAnswersNobodyIsAFailureOfDnsHoweverShortTheWait) {
  const ScriptedServer server([](const Query&) { return kSilence; });
  auto config = asking_at({server.address()});
  config.max_in_flight = 1;
  Asking asking(config);
  EXPECT_FALSE(asking.txt("good.test"));
  std::optional<ErrorCode> code;
  asking.resolver().txt(
      "slow.test", [](const auto&) {}, stranger(1));
  asking.resolver().txt("good.test",
                        [&](const auto& answer) {
                          code = answer.error().code;
                          asking.loop().stop();
                        },
                        {"good.test", Priority::kDane, milliseconds{200}});
  asking.loop().run();
  EXPECT_EQ(code, ErrorCode::kDnsTimeout);
}

// The machine may reach addresses of that kind only.
TEST(CrowdedResolver, AddressesOfOneKindAreNoAnswerWhereTheOtherWasNotTried) {
  const ScriptedServer server([](const Query& query) {
    if (query.type != test::kTxt) std::this_thread::sleep_for(milliseconds{700});
    const std::string data = query.type == test::kTxt ? character_string("x") : std::string(15, '\0') + '\1';
    return Message{.answer = {test::rr(query.name, query.type, 300, data)}}.to(query);
  });
  auto config = impatient({server.address()});
  config.max_in_flight = 1;
  config.deadline = seconds{1};
  Asking asking(config);
  ASSERT_TRUE(asking.txt("good.test"));
  const auto addresses = asking.addresses("good.test");
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().code, ErrorCode::kNotTried);
}

TEST(CrowdedResolver, R20ThatIsSilentIsAFailureOfDnsAlsoForWhatWaits) {
  const ScriptedServer server([](const Query&) { return kSilence; });
  auto config = impatient({server.address()});
  config.max_in_flight = 8;
  config.deadline = seconds{1};
  Asking asking(config);
  for (int i = 0; i < 8; ++i)
    asking.resolver().txt(
        "slow.test", [](const auto&) {}, stranger(i));
  const auto answer = asking.txt("good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsTimeout) << answer.error().detail;
}

TEST(CrowdedResolver, ThatHasDiedIsNotTakenForABusyOne) {
  std::atomic<bool> works = true;
  const ScriptedServer server([&](const Query& query) { return works ? an_answer(query) : kSilence; });
  auto config = impatient({server.address()});
  config.max_in_flight = 8;
  Asking asking(config);
  ASSERT_TRUE(asking.txt("good.test"));
  works = false;
  std::this_thread::sleep_for(milliseconds{1100});
  auto outcomes = ask(asking, 100);
  EXPECT_EQ(outcomes["dns-timeout"], 100);
}

// 0 if the resolver says that this is our own fault.
int ask_and_expect(Asking& asking, const std::string& fault) {
  const auto answer = asking.txt("good.test");
  if (!answer) std::cerr << error_name(answer.error().code) << ": " << answer.error().detail << "\n";
  const bool is_right = !answer && answer.error().code == ErrorCode::kLocalFault &&
                        answer.error().detail.find(fault) != std::string::npos;
  return is_right ? 0 : 1;
}

// With as few descriptors as are open.
int ask_without_descriptors(const ResolverConfig& config) {
  // The sanitizers look at the types of what is called now: later they lack the descriptors for it.
  [[maybe_unused]] const auto beforehand = Asking(config).txt("good.test");
  Asking asking(config);
  const int next = ::dup(0);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
  ::setrlimit(RLIMIT_NOFILE, &none);
  return ask_and_expect(asking, "Too many open files");
}

// In a network of its own, with the system calls that the lookup helper has.
int ask_without_ports() {
  if (!test::enter_network_without_ports()) return 2;
  Asking asking(impatient({"127.0.0.1"}));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !restrict_system_calls()) return 3;
  return ask_and_expect(asking, "no local port is free");
}

// The child is there before the server's thread is: a fork copies no threads, but the locks that they hold.
TEST(LocalFault, WithoutADescriptorNothingIsSaidOfTheResolver) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::array<char, 64> address{};
    const auto size = ::read(pipe[0], address.data(), address.size());
    ::_exit(size <= 0 ? 2 : ask_without_descriptors(impatient({{address.data(), static_cast<std::size_t>(size)}})));
  }
  const ScriptedServer server(&an_answer);
  const std::string address = server.address();
  EXPECT_EQ(::write(pipe[1], address.data(), address.size()), static_cast<ssize_t>(address.size()));
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(LocalFault, WithoutALocalPortNothingIsSaidOfTheResolver) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(ask_without_ports());
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(FailingResolver, ServfailOfANameIsNoFailureOfTheResolver) {
  const ScriptedServer server([](const Query& query) { return Message{.flags = 0x8182}.to(query); });
  Asking asking(impatient({server.address()}));
  const Cost cost;
  EXPECT_EQ(ask(asking, kMany)["dns-failure"], kMany);
  cost.expect_within(seconds{2}, kSome);
  EXPECT_EQ(server.queries(), kMany);
}

}  // namespace
}  // namespace mtasts
