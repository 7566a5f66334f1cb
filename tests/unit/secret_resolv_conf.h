// A process for which /etc/resolv.conf is root's alone, as a umask may leave it.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

namespace mtasts::test {

// In a file system of this process alone; `file` is made. False: that takes root.
inline bool enter_secret_resolv_conf(const std::string& file) {
  std::ofstream(file) << "nameserver 127.0.0.1\n" << std::flush;
  return ::chmod(file.c_str(), 0600) == 0 && ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace mtasts::test
