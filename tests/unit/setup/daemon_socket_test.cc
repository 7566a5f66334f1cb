// What is enabled and running before, during and after a setup, with a systemctl that knows Also= of mtastsd.service.
#include "adapters/cli/setup/daemon_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/module/scratch.h"

namespace mtasts::setup {
namespace {

namespace fs = std::filesystem;
using Units = std::set<std::string>;

constexpr const char* kSocket = "mtastsd.socket";
constexpr const char* kExim = "mtastsd-exim.socket";
constexpr const char* kService = "mtastsd.service";

// What may be enabled before: plain activation by the socket, a mtastsd that opens its sockets itself, both, nothing.
const std::vector<Units> kBefore = {{kSocket}, {kService}, {kSocket, kService}, {}};

class DaemonSocket : public testing::Test {
 protected:
  DaemonSocket() {
    for (const std::string path : {"/usr/bin/systemctl", "/run/systemd/system/x"}) {
      fs::create_directories(fs::path(root_ + path).parent_path());
      std::ofstream(root_ + path) << "";
    }
    fs::permissions(root_ + "/usr/bin/systemctl", fs::perms::owner_all);
  }

  Result<ProgramOutput> play(const std::vector<std::string>& argv) {
    const std::string& verb = argv.at(3);  // chroot DIR systemctl
    const Units named(argv.begin() + 4, argv.end());
    Units also = named;
    if (named.contains(kService)) also.insert(kSocket);
    if (failing_ == verb) return ProgramOutput{1, "", verb + " failed"};
    if (verb == "show") return ProgramOutput{0, removed_.contains(argv.back()) ? "not-found\n" : "loaded\n", ""};
    for (const std::string& unit : named) {
      if (removed_.contains(unit) && !verb.starts_with("is-"))
        return ProgramOutput{5, "", "Failed to " + verb + " " + unit + ": Unit " + unit + " not loaded."};
    }
    if (verb == "is-enabled") return ProgramOutput{enabled_.contains(*named.begin()) ? 0 : 1, "", ""};
    if (verb == "is-active") return ProgramOutput{active_.contains(*named.begin()) ? 0 : 3, "", ""};
    if (verb == "enable") enabled_.insert(also.begin(), also.end());
    if (verb == "start") active_.insert(named.begin(), named.end());
    for (const std::string& unit : also) {
      if (verb == "disable") enabled_.erase(unit);
      if (verb == "stop" && named.contains(unit)) active_.erase(unit);
    }
    return ProgramOutput{0, "", ""};
  }
  void begin(const Units& before) {
    enabled_ = before;
    active_ = before;
    removed_.clear();
    failing_.clear();
  }
  // As dpkg -r does.
  void remove(const Units& units) {
    removed_ = units;
    for (const std::string& unit : units) {
      enabled_.erase(unit);
      active_.erase(unit);
    }
  }
  Facts facts_for_exim() {
    Plan plan;
    add_exim_socket_unit(plan, machine_);
    return plan.facts;
  }
  Facts facts_for_postfix() {
    Plan plan;
    add_socket_unit(plan, machine_, "postfix", "/var/spool/postfix/mtasts/socketmap.sock");
    return plan.facts;
  }

  Scratch scratch_;
  std::string root_ = scratch_.path();
  Machine machine_{root_, [this](const std::vector<std::string>& argv, const std::string&) { return play(argv); }};
  Units enabled_;
  Units active_;
  Units removed_;        // with their package
  std::string failing_;  // a verb of systemctl
};

TEST_F(DaemonSocket, WhatWasEnabledBeforePostfixIsEnabledAfterwards) {
  for (const Units& before : kBefore) {
    begin(before);
    const Facts facts = facts_for_postfix();
    ASSERT_TRUE(restart_sockets(machine_));
    EXPECT_EQ(enabled_, (Units{kSocket, kService}));
    ASSERT_TRUE(settle_sockets(machine_, facts));
    EXPECT_EQ(enabled_, before) << testing::PrintToString(before);
    EXPECT_EQ(active_, before) << testing::PrintToString(before);
  }
}

TEST_F(DaemonSocket, WhatWasEnabledBeforePostfixIsEnabledAfterAFailure) {
  for (const Units& before : kBefore) {
    for (const std::string verb : {"daemon-reload", "enable", "start"}) {
      begin(before);
      const Facts facts = facts_for_postfix();
      failing_ = verb;
      EXPECT_FALSE(restart_sockets(machine_));
      failing_.clear();
      ASSERT_TRUE(settle_sockets(machine_, facts));
      EXPECT_EQ(enabled_, before) << testing::PrintToString(before) << " " << verb;
      EXPECT_EQ(active_, before) << testing::PrintToString(before) << " " << verb;
    }
  }
}

// A mtastsd that opens socketmap.listen itself would find mtastsd.socket in its place at the next start of the machine.
TEST_F(DaemonSocket, EximNeverEnablesTheSocketOfOthers) {
  for (const Units& before : kBefore) {
    begin(before);
    ASSERT_TRUE(start_exim_socket(machine_));
    EXPECT_EQ(enabled_.contains(kSocket), before.contains(kSocket)) << testing::PrintToString(before);
    EXPECT_TRUE(enabled_.contains(kExim) && enabled_.contains(kService));
  }
}

TEST_F(DaemonSocket, WhatWasEnabledBeforeEximIsEnabledAfterwards) {
  for (const Units& before : kBefore) {
    begin(before);
    const Facts facts = facts_for_exim();
    ASSERT_TRUE(start_exim_socket(machine_));
    ASSERT_TRUE(settle_exim_socket(machine_, facts));
    EXPECT_EQ(enabled_, before) << testing::PrintToString(before);
  }
}

TEST_F(DaemonSocket, WhatWasEnabledBeforeEximIsEnabledAfterAFailure) {
  for (const Units& before : kBefore) {
    for (const std::string verb : {"daemon-reload", "enable", "start"}) {
      begin(before);
      const Facts facts = facts_for_exim();
      failing_ = verb;
      EXPECT_FALSE(start_exim_socket(machine_));
      failing_.clear();
      ASSERT_TRUE(settle_exim_socket(machine_, facts));
      EXPECT_EQ(enabled_, before) << testing::PrintToString(before) << " " << verb;
    }
  }
}

TEST_F(DaemonSocket, EximsWayBackLeavesMtastsdToPostfixThatWasSetUpSince) {
  begin({});
  const Facts facts = facts_for_exim();
  ASSERT_TRUE(start_exim_socket(machine_));
  ASSERT_TRUE(restart_sockets(machine_));
  ASSERT_TRUE(settle_exim_socket(machine_, facts));
  EXPECT_EQ(enabled_, (Units{kSocket, kService}));
  EXPECT_EQ(active_, (Units{kSocket, kService}));
}

TEST_F(DaemonSocket, TheWayBackEndsWellAfterMtastsdWasRemoved) {
  for (const Units& before : kBefore) {
    begin(before);
    Facts facts = facts_for_postfix();
    ASSERT_TRUE(restart_sockets(machine_));
    remove({kSocket, kExim, kService});
    EXPECT_TRUE(settle_sockets(machine_, facts)) << testing::PrintToString(before);
    begin(before);
    facts = facts_for_exim();
    ASSERT_TRUE(start_exim_socket(machine_));
    remove({kSocket, kExim, kService});
    EXPECT_TRUE(settle_exim_socket(machine_, facts)) << testing::PrintToString(before);
  }
}

TEST_F(DaemonSocket, EximsWayBackSettlesTheServiceOfAnOlderMtastsdWithoutItsSocket) {
  for (const Units& before : kBefore) {
    begin(before);
    const Facts facts = facts_for_exim();
    ASSERT_TRUE(start_exim_socket(machine_));
    remove({kExim});
    ASSERT_TRUE(settle_exim_socket(machine_, facts)) << testing::PrintToString(before);
    EXPECT_EQ(enabled_, before) << testing::PrintToString(before);
  }
}

}  // namespace
}  // namespace mtasts::setup
