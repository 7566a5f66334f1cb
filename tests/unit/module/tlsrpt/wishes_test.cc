// What domains said at _smtp._tls, shared through the store.
#include "module/tlsrpt/wishes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "module/tlsrpt/slots.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

constexpr char kWanted[] = "v=TLSRPTv1; rua=mailto:r@example.com";

class Wishes : public testing::Test {
 protected:
  std::string only_file() const {
    const auto found = std::filesystem::directory_iterator(scratch_.path() + "/.tlsrpt");
    return found->path();
  }
  Scratch scratch_;
  ReportWishes wishes_{scratch_.path()};
  const Domain domain_ = test::domain();
  const ReportWish wanted_{kWanted, test::kNow + seconds(300)};
};

TEST_F(Wishes, R23AreKnownUntilTheirTime) {
  EXPECT_FALSE(wishes_.find(domain_, test::kNow));
  wishes_.put(domain_, wanted_);
  EXPECT_EQ(ReportWishes(scratch_.path()).find(domain_, test::kNow), wanted_);
  EXPECT_FALSE(wishes_.find(domain_, wanted_.until));
}

TEST_F(Wishes, R31ThatNoReportsAreWantedIsKnownToo) {
  wishes_.put(domain_, {std::nullopt, wanted_.until});
  const auto wish = wishes_.find(domain_, test::kNow);
  ASSERT_TRUE(wish);
  EXPECT_FALSE(wish->record);
}

TEST_F(Wishes, R31ThatDnsCouldNotSayIsSomethingElse) {
  const ReportWish unknown{.record = std::nullopt, .until = wanted_.until, .is_unknown = true};
  wishes_.put(domain_, unknown);
  EXPECT_EQ(wishes_.find(domain_, test::kNow), unknown);
}

TEST_F(Wishes, AreReadableByWhoeverReadsTheStore) {
  const auto old = ::umask(077);
  wishes_.put(domain_, wanted_);
  ::umask(old);
  struct stat status {};
  ASSERT_EQ(::stat(only_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(Wishes, OfManyDomainsTakeNoMoreFilesThanThereAreSlots) {
  for (unsigned i = 0; i < 3 * kTlsrptSlots; ++i)
    wishes_.put(test::domain("d" + std::to_string(i) + ".example"), wanted_);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(scratch_.path() + "/.tlsrpt")) ++files;
  EXPECT_LE(files, kTlsrptSlots);
  EXPECT_GT(files, kTlsrptSlots / 2);
}

TEST_F(Wishes, FromBeforeTheClockWasSetBackAreNotBelieved) {
  wishes_.put(domain_, {kWanted, test::kNow + 2 * ReportWishes::kLongest});
  EXPECT_FALSE(wishes_.find(domain_, test::kNow));
}

TEST_F(Wishes, WhatIsNoFileOfOursIsNothing) {
  wishes_.put(domain_, wanted_);
  const std::string file = only_file();
  for (const std::string& text :
       {std::string(), std::string("example.com"), wish_text(test::domain("example.net"), wanted_),
        std::string("example.com 1x 0 0 0"), std::string("example.com 99 0 0 2"), std::string("example.com 99 0 0 1"),
        std::string("example.com 99 0 0 ?v=TLSRPTv1"), std::string("example.com 99 0 0 0v=TLSRPTv1"),
        std::string("example.com -9 0 0 0"), wish_text(domain_, wanted_) + std::string(5000, 'x')})
    EXPECT_FALSE(parse_wish(text, domain_)) << text;
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/etc/passwd", file);
  EXPECT_FALSE(wishes_.find(domain_, test::kNow));
  wishes_.put(domain_, wanted_);
  EXPECT_TRUE(wishes_.find(domain_, test::kNow)) << "and is replaced";
}

TEST_F(Wishes, R24ThatAllMxHostsAreListedIsKnownToo) {
  ReportWish wish = wanted_;
  wish.listed_until = test::kNow + seconds(60);
  wish.listed_by = number_of({"mx.example.com"});
  wishes_.put(domain_, wish);
  EXPECT_EQ(wishes_.find(domain_, test::kNow), wish);
  EXPECT_NE(number_of({"a.example.com"}), number_of({"a.example.com", "b.example.com"}));
}

TEST_F(Wishes, AStoreThatIsMissingKnowsNone) {
  const ReportWishes nowhere(scratch_.path() + "/missing");
  nowhere.put(domain_, wanted_);
  EXPECT_FALSE(nowhere.find(domain_, test::kNow));
}

}  // namespace
}  // namespace mtasts
