// An engine library that brings its process down.
#include <cstdlib>

extern "C" __attribute__((visibility("default"))) void* mtasts_network_open() noexcept { std::abort(); }
