#include "dns/wire.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/cost.h"
#include "tests/unit/dns/scripted_server.h"

namespace mtasts {
namespace {

using test::character_string;
using test::Message;
using test::Query;
using test::rr;
using test::u16;
using test::wire_name;
using namespace std::string_literals;

const Query kQuery{.id = "ab", .name = wire_name("example.test"), .type = test::kTxt};

// A message with these records, without the length in front.
std::string with(std::vector<std::string> answer, std::vector<std::string> authority = {}) {
  return Message{.answer = std::move(answer), .authority = std::move(authority)}.to(kQuery).substr(2);
}

std::string owned_by(const std::string& owner) { return with({rr(owner, test::kTxt, 300, character_string("x"))}); }

std::string pointer_to(std::size_t at) { return u16(static_cast<unsigned>(0xc000 | at)); }

constexpr std::size_t kQuestionAt = 12;
const std::size_t kRecordAt = kQuestionAt + kQuery.question().size();

TEST(Wire, MessagesAreWellFramed) {
  EXPECT_TRUE(is_well_framed(with({})));
  EXPECT_TRUE(is_well_framed(owned_by(wire_name("example.test"))));
  EXPECT_TRUE(is_well_framed(owned_by(pointer_to(kQuestionAt))));
  EXPECT_TRUE(is_well_framed(owned_by("\x03www" + pointer_to(kQuestionAt))));
  EXPECT_TRUE(
      is_well_framed(with({rr(wire_name("a.test"), test::kA, 300, "1234"), rr("\0"s, 41, 0, "")}, {test::soa(1, 2)})));
}

TEST(Wire, NoPartAndNoMoreThanAMessageIsWellFramed) {
  const std::string whole =
      with({rr("\x03www" + pointer_to(kQuestionAt), test::kTxt, 300, character_string("x"))}, {test::soa(1, 2)});
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(is_well_framed(whole.substr(0, size))) << size;
  EXPECT_FALSE(is_well_framed(whole + '\0'));
}

TEST(Wire, PointersMustLeadBack) {
  EXPECT_FALSE(is_well_framed(owned_by(pointer_to(kRecordAt)))) << "to itself";
  EXPECT_FALSE(is_well_framed(owned_by("\x01a" + pointer_to(kRecordAt)))) << "to the beginning of the same name";
  EXPECT_FALSE(is_well_framed(owned_by(pointer_to(kRecordAt + 4)))) << "ahead";
  EXPECT_FALSE(is_well_framed(owned_by(pointer_to(0x3fff)))) << "behind the end";
  EXPECT_FALSE(is_well_framed(owned_by(pointer_to(0)))) << "into the header";
}

TEST(Wire, LabelsOfUnknownKindsAreRefused) {
  EXPECT_FALSE(is_well_framed(owned_by("\x40"s + std::string(64, 'a') + '\0')));
  EXPECT_FALSE(is_well_framed(owned_by("\x80"s + '\0')));
}

TEST(Wire, NamesHaveAtMost255Octets) {
  const std::string label = "\x3f" + std::string(63, 'a');
  EXPECT_TRUE(is_well_framed(owned_by(label + label + label + "\x3d" + std::string(61, 'a') + '\0')));
  EXPECT_FALSE(is_well_framed(owned_by(label + label + label + "\x3e" + std::string(62, 'a') + '\0')));
}

// Each name points to the one before: without a limit the work grows with the square of the message.
TEST(Wire, LongChainsOfPointersAreRefusedAtOnce) {
  std::string chain = u16(0xc000 | kQuestionAt);
  for (std::size_t i = 0; i < 4000; ++i) chain += pointer_to(kRecordAt + 11 + 2 * i);
  std::vector<std::string> records{rr("\0"s, 10, 0, chain)};
  for (int i = 0; i < 4000; ++i) records.push_back(rr(pointer_to(kRecordAt + 11 + 2 * 4000), test::kA, 0, ""));
  const test::Cost cost;
  EXPECT_FALSE(is_well_framed(with(records)));
  cost.expect_within(std::chrono::milliseconds{500}, 16);
}

}  // namespace
}  // namespace mtasts
