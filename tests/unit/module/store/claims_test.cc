#include "module/store/claims.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>

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
