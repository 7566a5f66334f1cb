#include "module/io/read_write.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "module/io/descriptor.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

TEST(ReadWrite, AnOldTextIsReplacedWhole) {
  const Scratch scratch;
  const Descriptor file(::open((scratch.path() + "/page").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(write_all(file.get(), "a longer text"));
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  ASSERT_TRUE(replace_content(file.get(), "new"));
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  std::string text(100, '\0');
  EXPECT_TRUE(read_all(file.get(), text));
  EXPECT_EQ(text, "new");
}

TEST(ReadWrite, APipeIsReadToItsEndOrTheLimit) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  ASSERT_TRUE(replace_content(in.get(), "abcdef"));  // which has nothing to cut off
  in = Descriptor();
  std::string text = "1";
  EXPECT_TRUE(read_to_end(out.get(), text, 4));
  EXPECT_EQ(text, "1abc");
  EXPECT_TRUE(read_to_end(out.get(), text, std::string::npos));
  EXPECT_EQ(text, "1abcdef");
}

TEST(ReadWrite, AFaultIsNoEnd) {
  const Descriptor folder(::open("/", O_RDONLY | O_CLOEXEC));
  std::string text(10, '\0');
  EXPECT_FALSE(read_all(folder.get(), text));
  EXPECT_FALSE(read_to_end(folder.get(), text, std::string::npos));
  EXPECT_FALSE(write_all(folder.get(), "x"));
}

}  // namespace
}  // namespace mtasts
