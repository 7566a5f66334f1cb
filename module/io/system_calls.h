// The system calls that a process may make from now on (seccomp, docs/adr/0012-sandbox.md).
#pragma once

#include "core/result.h"
#include "module/io/landlock.h"

namespace mtasts {

// Leaves this process what the lookup helper needs once it is up: descriptors, files, memory, time, threads, and
// sockets to internet addresses and syslog. Every other call fails with ENOSYS, as on a kernel that has it not, so that
// a library of another release goes its second way. No memory becomes executable, no process or program is started.
// Needs no_new_privs. Not in the kernel also means: not written for this processor. Error kLocalFault: the kernel has
// filters and refuses this one.
Result<Protection> restrict_system_calls();

}  // namespace mtasts
