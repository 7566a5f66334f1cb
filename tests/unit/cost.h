// How long something took and by how much the process's memory grew: bounds that tests of hostile peers assert.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "core/time.h"

namespace mtasts::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kMemoryIsMeasurable = false;  // freed memory is kept back on purpose
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kMemoryIsMeasurable = false;
#else
inline constexpr bool kMemoryIsMeasurable = true;
#endif
#else
inline constexpr bool kMemoryIsMeasurable = true;
#endif

// Measures from its construction on.
class Cost {
 public:
  Cost() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak is what it is now; without this right it only is higher
    before_kib_ = peak_kib();
  }

  void expect_within(std::chrono::milliseconds time, long mebibytes) const {
    EXPECT_LT(std::chrono::steady_clock::now() - begin_, time);
    EXPECT_TRUE(!kMemoryIsMeasurable || peak_kib() - before_kib_ < mebibytes * 1024)
        << "grew by " << peak_kib() - before_kib_ << " KiB";
  }

 private:
  static long peak_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      long kib = 0;
      if (word == "VmHWM:" && status >> kib) return kib;
    }
    ADD_FAILURE() << "/proc/self/status has no VmHWM";
    return 0;
  }

  SteadyTime begin_ = std::chrono::steady_clock::now();
  long before_kib_ = 0;
};

}  // namespace mtasts::test
