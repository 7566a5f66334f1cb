// An engine library that never comes back.
#include <unistd.h>

extern "C" __attribute__((visibility("default"))) void* mtasts_network_open() noexcept {
  for (;;) ::pause();
}
