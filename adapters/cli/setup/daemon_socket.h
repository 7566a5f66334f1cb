// Where a mail server reaches mtastsd, and that it does.
#pragma once

#include <string>

#include "adapters/cli/setup/plan.h"

namespace mtasts::setup {

// The drop-in of mtastsd.socket that setup makes.
constexpr const char* kSocketDropIn = "/etc/systemd/system/mtastsd.socket.d/10-setup.conf";

// Facts for the way back.
constexpr const char* kSocketFolder = "socket-folder";  // that systemd makes

// Adds to `plan` the sockets that systemd shall open for `group`: the one of mtastsd.socket, and one at `path`. When
// they are there, mtastsd must answer at `address` to a process of `user`.
void add_socket_unit(Plan& plan, const Machine& machine, const std::string& group, const std::string& path);

// That mtastsd answers at `address` to a process of the user alone, as a mail server's would be.
Result<void> ping_as(const Machine& machine, const std::string& user, const std::string& address);

// Makes systemd open the sockets as the files say now, and at every start of the machine.
Result<void> restart_sockets(const Machine& machine);

// After the way back: as before, also whether the sockets are there at all.
Result<void> settle_sockets(const Machine& machine, const Facts& facts);

// Exim's socket, mtastsd-exim.socket: `plan` has it enabled, with what is needed for the way back.
void add_exim_socket_unit(Plan& plan, const Machine& machine);
Result<void> start_exim_socket(const Machine& machine);
// After the way back; mtastsd itself goes on where another mail server's socket is there.
Result<void> settle_exim_socket(const Machine& machine, const Facts& facts);

// The first address of socketmap.listen. Error: mtasts.toml cannot be used.
Result<std::string> configured_address(const Machine& machine, const Wishes& wishes);

}  // namespace mtasts::setup
