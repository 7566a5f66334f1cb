#include "module/store/delivery_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr WallTime kNow = from_epoch(1'800'000'000);

TEST(DeliveryEvents, ALineOfTheLogTellsItsEventServerAndDomain) {
  const auto exim = read_delivery_event(
      R"(event=enforce-failure domain=Example.com mx=mx.test ip=192.0.2.1 result=x by=mta-sts detail="d")", "exim");
  ASSERT_TRUE(exim);
  EXPECT_EQ(exim->event, kEnforceFailure);
  EXPECT_EQ(exim->server, "exim");
  EXPECT_EQ(exim->domain, "example.com");
  const auto sendmail = read_delivery_event(R"(event=deferred domain=a.test server=sendmail reason="why")", "exim");
  ASSERT_TRUE(sendmail);
  EXPECT_EQ(sendmail->server, "sendmail");
}

TEST(DeliveryEvents, OtherLinesAreNone) {
  for (const char* line : {"event=refresh-failed domain=a.test detail=\"x\"", "event=deferred", "something else", "",
                           "event=deferred domain=..", "event=deferred domain=a.test server=nobody"})
    EXPECT_FALSE(read_delivery_event(line, "exim")) << line;
}

// A peer's words stand in quotes.
TEST(DeliveryEvents, WhatIsQuotedIsNoField) {
  const auto event =
      read_delivery_event(R"(event=deferred domain=a.test reason="b server=postfix domain=c.test")", "exim");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->server, "exim");
  EXPECT_FALSE(read_delivery_event(R"(event=deferred reason="b domain=c.test ")", "exim"));
}

class DeliveryEventFileTest : public testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(scratch_.path() + "/.events") << text; }
  std::vector<PastEvent> past() { return past_delivery_events(scratch_.path()).value(); }

  Scratch scratch_;
  DeliveryEventFile file_{scratch_.path()};
};

TEST_F(DeliveryEventFileTest, WhatWasAddedIsReadInItsOrder) {
  EXPECT_THAT(past(), IsEmpty());
  file_.add({kDeferred, "postfix", "a.test"}, kNow);
  file_.add({kObservedFailure, "exim", "b.test"}, kNow + std::chrono::seconds(1));
  const auto events = past();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].time, kNow);
  EXPECT_EQ(events[0].what.event, kDeferred);
  EXPECT_EQ(events[0].what.server, "postfix");
  EXPECT_EQ(events[1].what.domain, "b.test");
}

TEST_F(DeliveryEventFileTest, AForeignLineIsLeftOut) {
  write(
      "1 deferred exim a.test\n\n2 unknown exim a.test\nx deferred exim a.test\n3 deferred exim ..\n4 deferred exim "
      "b.test\n5 defer");
  ASSERT_THAT(past(), SizeIs(2));
  EXPECT_EQ(past()[1].what.domain, "b.test");
}

TEST_F(DeliveryEventFileTest, ItIsBoundedAndTheNewestAreKept) {
  write(std::string(DeliveryEventFile::kMaxBytes - 10, 'x') + "\n");
  file_.add({kDeferred, "exim", "a.test"}, kNow);
  file_.add({kDeferred, "exim", "b.test"}, kNow);
  ASSERT_THAT(past(), SizeIs(2));
  EXPECT_EQ(past()[0].what.domain, "a.test") << "of the file before this one";
  EXPECT_LT(std::filesystem::file_size(scratch_.path() + "/.events"), 100U);
}

// Root reads it, whoever may write there.
TEST_F(DeliveryEventFileTest, NoLinkIsFollowed) {
  std::ofstream(scratch_.path() + "/other") << "1 deferred exim a.test\n";
  std::filesystem::create_symlink(scratch_.path() + "/other", scratch_.path() + "/.events");
  EXPECT_FALSE(past_delivery_events(scratch_.path()));
  file_.add({kDeferred, "exim", "b.test"}, kNow);
  EXPECT_EQ(std::filesystem::file_size(scratch_.path() + "/other"), 23U) << "a link is replaced";
}

TEST_F(DeliveryEventFileTest, WhereThereIsNoStoreThereIsNothing) {
  EXPECT_THAT(past_delivery_events(scratch_.path() + "/none").value(), IsEmpty());
  DeliveryEventFile(scratch_.path() + "/none").add({kDeferred, "exim", "a.test"}, kNow);
}

}  // namespace
}  // namespace mtasts
