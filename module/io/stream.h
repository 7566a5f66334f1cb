// Stream sockets, read and written as far as they go: a signal does not stop it, and nobody gets SIGPIPE. For files see
// module/io/read_write.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mtasts {

// What has arrived, in `buffer`; it is "" when the peer has closed or the socket has failed. nullopt: nothing yet.
std::optional<std::string_view> receive_now(int socket, std::span<char> buffer);
// The same of a socket that blocks: waits until something arrives.
std::string_view receive_some(int socket, std::span<char> buffer);

// Takes off `bytes` what there is room for. False: the socket has failed, such as because the peer is gone.
bool send_now(int socket, std::string& bytes);
// To a socket that blocks. False: as above.
bool send_all(int socket, std::string_view bytes);

}  // namespace mtasts
