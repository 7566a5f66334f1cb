#include "module/io/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

class Stream : public testing::Test {
 protected:
  std::optional<std::string_view> receive() { return receive_now(pair_.ours.get(), buffer_); }

  test::SocketPair pair_ = test::socket_pair();
  std::array<char, 4> buffer_{};
};

TEST_F(Stream, TellsWhatHasArrivedFromNothingYetAndTheEnd) {
  EXPECT_EQ(receive(), std::nullopt);
  ASSERT_TRUE(send_all(pair_.theirs.get(), "abcdef"));
  EXPECT_EQ(receive(), "abcd");
  EXPECT_EQ(receive_some(pair_.ours.get(), buffer_), "ef");
  EXPECT_EQ(receive(), std::nullopt);
  pair_.theirs = Descriptor();
  EXPECT_EQ(receive(), "");
  EXPECT_EQ(receive_some(pair_.ours.get(), buffer_), "");
}

TEST_F(Stream, KeepsWhatThereIsNoRoomFor) {
  constexpr std::size_t kMuch = 16UL * 1024 * 1024;
  std::string bytes(kMuch, 'x');
  EXPECT_TRUE(send_now(pair_.ours.get(), bytes));
  EXPECT_GT(bytes.size(), 0U);
  EXPECT_LT(bytes.size(), kMuch);
  const std::size_t left = bytes.size();
  EXPECT_TRUE(send_now(pair_.ours.get(), bytes));
  EXPECT_EQ(bytes.size(), left);
}

// SIGPIPE would end the test.
TEST_F(Stream, SaysThatThePeerIsGone) {
  pair_.theirs = Descriptor();
  std::string bytes = "x";
  EXPECT_FALSE(send_now(pair_.ours.get(), bytes));
  EXPECT_FALSE(send_all(pair_.ours.get(), bytes));
}

}  // namespace
}  // namespace mtasts
