#include "adapters/cli/report/safe_text.h"

#include <gtest/gtest.h>

namespace mtasts::report {
namespace {

std::string terminal(const std::string& text, std::size_t width = 100) {
  return for_terminal(text, width, Charset::kUtf8);
}

TEST(ForTerminal, LetsLettersThrough) {
  EXPECT_EQ(terminal("Sender Inc. <x> \\ \"&\""), "Sender Inc. <x> \\ \"&\"");
  EXPECT_EQ(terminal("M\u00fcller \u0391\u0416 \u65e5\u672c"), "M\u00fcller \u0391\u0416 \u65e5\u672c");
  EXPECT_EQ(for_terminal("M\u00fcller", 100, Charset::kAscii), "M?ller");
}

TEST(ForTerminal, LetsNoControlCharacterThrough) {
  for (int byte = 0; byte < 0x20; ++byte) EXPECT_EQ(terminal(std::string(1, static_cast<char>(byte))), "?") << byte;
  EXPECT_EQ(terminal("\x1b[2J\x1b]0;title\x07"), "?[2J?]0;title?");
  EXPECT_EQ(terminal("\x7f"), "?");
  for (const char* hidden :
       {"\u0080", "\u0085", "\u009b", "\u009f", "\u00ad", "\u061c", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029",
        "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\u0301", "\U000e0041", "\ue000"})
    EXPECT_EQ(terminal(hidden), "?") << hidden;
}

TEST(ForTerminal, LetsNothingThroughThatIsNotUtf8) {
  EXPECT_EQ(terminal("\x9b\x31m"), "?1m");
  EXPECT_EQ(terminal("a\xc3"), "a?");
  EXPECT_EQ(terminal("\xc0\x9b\xed\xa0\x80"), "?????");
  EXPECT_EQ(terminal(std::string("a\0b", 3)), "a?b");
}

TEST(ForTerminal, CutsAtAWidth) {
  EXPECT_EQ(terminal("abcdef", 6), "abcdef");
  EXPECT_EQ(terminal("abcdefg", 6), "abc...");
  EXPECT_EQ(terminal("\u65e5\u672c\u65e5", 6), "\u65e5\u672c\u65e5");
  EXPECT_EQ(terminal("\u65e5\u672c\u65e5\u672c", 6), "\u65e5...");
  EXPECT_EQ(terminal("abc", 2), "..");
  EXPECT_EQ(columns("a\u00fc\u65e5"), 4U);
}

TEST(ForHtml, EscapesMarkup) {
  EXPECT_EQ(for_html("<script>alert(\"1\" & '2')</script>"),
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
  EXPECT_EQ(for_html("\u0645\u0631\u062d\u0628\u0627 \U0001f600"), "\u0645\u0631\u062d\u0628\u0627 \U0001f600");
}

TEST(ForHtml, ReplacesWhatIsHidden) {
  EXPECT_EQ(for_html("a\x1b\u202e\u009b\x7f\n"), "a\ufffd\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(for_html("a\xff"), "a\ufffd");
}

}  // namespace
}  // namespace mtasts::report
