// What Exim's processes hand to tlsrpt-collectd by themselves (R32): where the store knows what a domain wants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "adapters/exim/host.h"
#include "module/io/wall_clock.h"
#include "module/tlsrpt/wishes.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EximHostReports : public testing::Test {
 protected:
  EximHostReports() {
    std::filesystem::create_directory(store_);
    std::ofstream(config_) << "[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[cache]\ndirectory = \"" << store_
                           << "\"\n[tlsrpt]\nsocket = \"" << socket_ << "\"\n";
  }

  // A domain that wants reports, under a policy or with one that cannot be had.
  void cache(const std::string& name, bool has_policy, const std::vector<std::string>& dane_hosts = {}) {
    const Domain domain = *Domain::parse(name);
    CacheEntry entry{domain, {RecordMemory::State::kFound, now() + hours(1), "1", ""}, std::nullopt, std::nullopt};
    const std::string body = "version: STSv1\nmode: enforce\nmx: mx." + name + "\nmax_age: 86400\n";
    if (has_policy) entry.policy = StoredPolicy{"1", now(), body, *parse_policy(body)};
    const auto dane = dane_hosts.empty() ? DaneState::kNone : DaneState::kPartly;
    if (has_policy) entry.dane = DaneMemory{dane, now() + hours(1), "", dane_hosts};
    if (!has_policy) entry.failure = FetchFailure{"1", 1, 1, now() + hours(1), {ErrorCode::kPolicyFetch, "status 404"}};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(store_, log).put(entry));
    ReportWishes(store_).put(domain, {"v=TLSRPTv1; rua=mailto:r@example.com", now() + hours(1), now() + hours(1),
                                      number_of({"mx." + name})});
  }
  void route(std::string_view domain, std::string_view message) {
    const std::array words{domain, message};
    EXPECT_EQ(host_.route(words).status, EximStatus::kOk);
  }
  void route(std::string_view domain) {
    const std::array words{domain};
    EXPECT_EQ(host_.route(words).status, EximStatus::kOk);
  }
  void raise(std::string_view name, std::string_view data, std::string_view facts) {
    const std::array words{name,
                           data,
                           std::string_view("good.example"),
                           std::string_view("mx.good.example"),
                           std::string_view("192.0.2.1"),
                           std::string_view("0"),
                           facts};
    EXPECT_EQ(host_.event(words).text, "");
  }
  void connect() {
    raise("tcp:connect", "", "mode=enforce");
    raise("smtp:ehlo", "250 mx", "mode=enforce ver=TLS1.3 cv=1");
  }
  // "" when there is none.
  [[nodiscard]] std::string datagram() const { return test::next_datagram(collector_); }

  Scratch scratch_;
  std::string store_ = scratch_.path() + "/store";
  std::string socket_ = scratch_.path() + "/collectd.sock";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  const Descriptor collector_ = test::datagram_socket_at(socket_);
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  EximHost host_{config_, [this] { return std::make_unique<FakeLog>(log_); }};
};

TEST_F(EximHostReports, APolicyThatCannotBeHadIsToldOnceForAProcess) {
  cache("broken.example", false);
  for (int i = 0; i < 3; ++i) route("broken.example");
  EXPECT_THAT(datagram(), HasSubstr(R"("c":301,"f":"status 404")"));
  EXPECT_EQ(datagram(), "");
}

// An ACL or a filter asks for the mode, in a process that delivers nothing or before the one that does.
TEST_F(EximHostReports, OnlyWhatIsRoutedIsToldAndAQuestionForTheModeDoesNotStandInItsWay) {
  cache("broken.example", false);
  const std::array<std::string_view, 1> words{"broken.example"};
  EXPECT_EQ(host_.mode(words).text, "none");
  EXPECT_EQ(datagram(), "");
  route("broken.example");
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(host_.mode(words).text, "none");
  EXPECT_EQ(datagram(), "");
}

// "verify = recipient" and "exim -bt" route, too.
TEST_F(EximHostReports, R32WhereAnAddressIsOnlyVerifiedNothingIsTold) {
  cache("broken.example", false);
  route("broken.example", "");
  EXPECT_EQ(datagram(), "");
  EXPECT_THAT(log_->lines, IsEmpty()) << "nor handed to a helper";
}

// Of hosts that a helper would look for: the store does not know them to be listed.
TEST_F(EximHostReports, R24R29WhereDaneJudgesOneHostTheOthersAreStillLookedFor) {
  if (std::filesystem::exists(load_config(config_)->helper_program)) GTEST_SKIP() << "takes a machine without mtasts";
  cache("good.example", true, {"dane.example.net"});
  const std::array<std::string_view, 1> words{"good.example"};
  EXPECT_EQ(host_.mode(words).text, "enforce");
  EXPECT_THAT(log_->lines, IsEmpty());
  route("good.example");
  EXPECT_THAT(log_->lines, ElementsAre(HasSubstr("the lookup helper")));
}

TEST_F(EximHostReports, AConnectionIsToldByTheProcessThatMakesIt) {
  cache("good.example", true);
  route("good.example");
  EXPECT_EQ(datagram(), "");
  connect();
  EXPECT_THAT(datagram(), HasSubstr(R"("t":0,"f":0)"));
  EXPECT_EQ(datagram(), "");
}

// Whatever its parent had no room for is the parent's to send.
TEST_F(EximHostReports, AForkedProcessTellsItsOwnConnectionsOnly) {
  cache("good.example", true);
  route("good.example");
  const std::size_t room = test::datagrams_kept();
  for (std::size_t i = 0; i < room + 89; ++i) connect();
  std::size_t held = 0;
  while (!datagram().empty()) ++held;
  ASSERT_EQ(held, room);
  const pid_t child = ::fork();
  if (child == 0) {
    connect();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
}

}  // namespace
}  // namespace mtasts
