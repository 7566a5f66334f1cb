// Exim's ${dlfunc}: it only translates. No exception leaves it; Exim copies a result and keeps the address of a
// failure's text, so texts live in one object that is never destroyed - Exim runs destructors in every forked child.
#include <array>
#include <string_view>

#include "adapters/exim/host.h"

#define MTASTS_EXIM_FUNCTION extern "C" __attribute__((visibility("default"))) int

namespace mtasts {
namespace {

struct ProcessState {
  EximHost host{default_config_path(), make_syslog_log};
  std::string text;  // handed to Exim
};

ProcessState& process() {
  static auto* const state = new ProcessState;
  return *state;
}

using Function = EximReply (EximHost::*)(EximWords);

constexpr std::size_t kMaxWords = 8;  // Exim's own limit

int call(Function function, unsigned char** yield, int argc, unsigned char* argv[]) {
  std::array<std::string_view, kMaxWords> words;
  std::size_t count = 0;
  // One word too many is enough for every function to see that there are too many.
  while (count < words.size() && static_cast<int>(count) < argc && argv[count] != nullptr) {
    words[count] = reinterpret_cast<const char*>(argv[count]);
    ++count;
  }
  ProcessState& state = process();
  EximReply reply = (state.host.*function)({words.data(), count});
  state.text = std::move(reply.text);
  *yield = reinterpret_cast<unsigned char*>(state.text.data());
  return static_cast<int>(reply.status);
}

// At worst bad_alloc: then `otherwise`, with a text that needs no memory.
int guarded(Function function, EximStatus otherwise, unsigned char** yield, int argc, unsigned char* argv[]) noexcept {
  static unsigned char no_memory[] = "mtasts: out of memory";
  static unsigned char nothing = 0;
  try {
    return call(function, yield, argc, argv);
  } catch (...) {
    *yield = otherwise == EximStatus::kOk ? &nothing : no_memory;
    return static_cast<int>(otherwise);
  }
}

}  // namespace
}  // namespace mtasts

using mtasts::EximHost;
using mtasts::EximStatus;

MTASTS_EXIM_FUNCTION mta_sts_route(unsigned char** yield, int argc, unsigned char* argv[]) noexcept {
  return mtasts::guarded(&EximHost::route, EximStatus::kError, yield, argc, argv);
}

MTASTS_EXIM_FUNCTION mta_sts_mode(unsigned char** yield, int argc, unsigned char* argv[]) noexcept {
  return mtasts::guarded(&EximHost::mode, EximStatus::kError, yield, argc, argv);
}

// A failed event would only fill the panic log; a veto for want of memory would hold mail up.
MTASTS_EXIM_FUNCTION mta_sts_event(unsigned char** yield, int argc, unsigned char* argv[]) noexcept {
  return mtasts::guarded(&EximHost::event, EximStatus::kOk, yield, argc, argv);
}
