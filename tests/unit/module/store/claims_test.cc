#include "module/store/claims.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "module/store/range_lock.h"
#include "tests/unit/module/file_size_limit.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using Slot = PolicyStore::Slot;

// Two of these are as two processes: the locks belong to the open file.
class ClaimsTest : public ::testing::Test {
 protected:
  Scratch scratch_;
  Claims ours_{scratch_.path()};
  Claims theirs_{scratch_.path()};
  const Domain domain_ = *Domain::parse("example.com");
};

TEST_F(ClaimsTest, OneProcessAtATimeHasASlot) {
  auto ours = ours_.take(domain_, Slot::kFirst);
  EXPECT_TRUE(ours);
  EXPECT_FALSE(theirs_.take(domain_, Slot::kFirst));
  ours.reset();
  EXPECT_TRUE(theirs_.take(domain_, Slot::kFirst));
}

TEST_F(ClaimsTest, TheSecondSlotIsAnother) {
  const auto first = ours_.take(domain_, Slot::kFirst);
  const auto second = theirs_.take(domain_, Slot::kSecond);
  EXPECT_TRUE(second);
  EXPECT_FALSE(Claims(scratch_.path()).take(domain_, Slot::kSecond));
}

TEST_F(ClaimsTest, DomainsDoNotWaitForEachOther) {
  const auto ours = ours_.take(domain_, Slot::kFirst);
  EXPECT_TRUE(theirs_.take(*Domain::parse("example.net"), Slot::kFirst));
}

TEST_F(ClaimsTest, AProcessThatDiesGivesItUp) {
  const pid_t child = ::fork();
  if (child == 0) {
    Claims claims(scratch_.path());
    const auto claim = claims.take(domain_, Slot::kFirst);
    ::_exit(claim ? 0 : 1);  // nothing is destroyed
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(ours_.take(domain_, Slot::kFirst));
}

TEST_F(ClaimsTest, AProcessThatIsKilledGivesItUp) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Claims claims(scratch_.path());
    const auto claim = claims.take(domain_, Slot::kFirst);
    const bool told = ::write(ready[1], claim ? "1" : "0", 1) == 1;
    while (told) ::pause();
    ::_exit(1);
  }
  char held = 0;
  ASSERT_EQ(::read(ready[0], &held, 1), 1);
  EXPECT_EQ(held, '1');
  EXPECT_FALSE(ours_.take(domain_, Slot::kFirst));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(ours_.take(domain_, Slot::kFirst));
  ::close(ready[0]);
  ::close(ready[1]);
}

// Their FNV-1a numbers agree in the 61 low bits: such names can be made, because it has no key.
TEST_F(ClaimsTest, M7AStrangersDomainCannotBeMadeToHoldUpAnother) {
  const auto strangers = theirs_.take(*Domain::parse("3rexregy662ka.example"), Slot::kFirst);
  EXPECT_TRUE(ours_.take(*Domain::parse("h3uqofde2atsb.example"), Slot::kFirst));
}

// The key of a store, for places.
SipKey key_in(const std::string& directory) {
  SipKey key{};
  std::ifstream file(directory + "/.claims", std::ios::binary);
  EXPECT_TRUE(file.read(reinterpret_cast<char*>(key.data()), static_cast<std::streamsize>(key.size())));
  return key;
}

TEST_F(ClaimsTest, EachStoreHasPlacesOfItsOwn) {
  const Scratch other;
  ASSERT_TRUE(ours_.take(domain_, Slot::kFirst));
  ASSERT_TRUE(Claims(other.path()).take(domain_, Slot::kFirst));
  EXPECT_NE(claim_place(key_in(scratch_.path()), domain_, Slot::kFirst),
            claim_place(key_in(other.path()), domain_, Slot::kFirst));
}

TEST_F(ClaimsTest, AllProcessesTakeTheKeyThatIsThere) {
  const SipKey key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  std::ofstream(scratch_.path() + "/.claims", std::ios::binary)
      .write(reinterpret_cast<const char*>(key.data()), static_cast<std::streamsize>(key.size()));
  const auto ours = ours_.take(domain_, Slot::kSecond);
  EXPECT_EQ(key_in(scratch_.path()), key);
  const Descriptor file(::open((scratch_.path() + "/.claims").c_str(), O_RDWR | O_CLOEXEC));
  const RangeLock lock(file.get(), claim_place(key, domain_, Slot::kSecond), 1);
  EXPECT_EQ(lock.state(), RangeLock::State::kTaken);
}

// On a disk that was full for a while.
TEST_F(ClaimsTest, WhoCouldMakeNoKeyTakesTheOneThatAnotherMakesLater) {
  {
    const FileSizeLimit limit(0);
    ASSERT_TRUE(ours_.take(domain_, Slot::kFirst));
  }
  const auto theirs = theirs_.take(domain_, Slot::kFirst);
  ASSERT_TRUE(theirs);
  EXPECT_FALSE(ours_.take(domain_, Slot::kFirst));
}

TEST_F(ClaimsTest, AKeyOfZerosIsNone) {
  std::ofstream(scratch_.path() + "/.claims", std::ios::binary) << std::string(16, '\0');
  const auto ours = ours_.take(domain_, Slot::kFirst);
  EXPECT_NE(key_in(scratch_.path()), SipKey{});
}

// Children that take a claim at the same moment and hold it until all have tried; how many got it.
int number_that_get_it(const std::string& directory, const Domain& domain) {
  std::array<int, 2> begin{};
  std::array<int, 2> results{};
  std::array<int, 2> end{};
  EXPECT_EQ(::pipe(begin.data()) + ::pipe(results.data()) + ::pipe(end.data()), 0);
  const auto wait_for = [](const std::array<int, 2>& gate) {
    char octet = 0;
    ::close(gate[1]);
    return ::read(gate[0], &octet, 1) == 0;
  };
  std::array<pid_t, 4> children{};
  for (pid_t& child : children) {
    if (child = ::fork(); child != 0) continue;
    bool in_order = wait_for(begin);
    Claims claims(directory);
    const auto claim = claims.take(domain, Slot::kFirst);
    in_order = ::write(results[1], claim ? "1" : "0", 1) == 1 && wait_for(end) && in_order;
    ::_exit(in_order ? 0 : 1);
  }
  ::close(begin[1]);
  int number = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    char octet = 0;
    EXPECT_EQ(::read(results[0], &octet, 1), 1);
    number += octet == '1' ? 1 : 0;
  }
  ::close(end[1]);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  for (const int fd : {begin[0], results[0], results[1], end[0]}) ::close(fd);
  return number;
}

TEST_F(ClaimsTest, ProcessesThatBeginTogetherAgreeOnAKey) {
  for (int round = 0; round < 20; ++round) {
    const Scratch store;
    ASSERT_EQ(number_that_get_it(store.path(), domain_), 1) << round;
  }
}

TEST_F(ClaimsTest, NobodyElseCanHoldUpLookups) {
  namespace fs = std::filesystem;
  const auto ours = ours_.take(domain_, Slot::kFirst);
  EXPECT_EQ(fs::status(scratch_.path() + "/.claims").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ClaimsTest, WhoCannotWriteTheFileIsNotHeldUp) {
  std::filesystem::create_directory(scratch_.path() + "/.claims");
  const auto ours = ours_.take(domain_, Slot::kFirst);
  EXPECT_TRUE(ours);
  EXPECT_TRUE(theirs_.take(domain_, Slot::kFirst));
  Claims nowhere(scratch_.path() + "/missing");
  const auto first = nowhere.take(domain_, Slot::kFirst);
  EXPECT_TRUE(first);
  EXPECT_TRUE(Claims(scratch_.path() + "/missing").take(domain_, Slot::kFirst));
}

}  // namespace
}  // namespace mtasts
