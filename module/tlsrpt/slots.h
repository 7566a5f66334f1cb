// Small files of a store, `.tlsrpt/<name>`, for what TLSRPT keeps between processes. There are so many names and no
// more: whatever strangers do it grows no larger, and what loses its place is found out again. Files are renamed into
// place, and are for whoever may read the store. Any number of processes at the same time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mtasts {

inline constexpr unsigned kTlsrptSlots = 4096;

// Three hexadecimal digits. A key has several slots that have nothing to do with each other, `which` of 0 to 3.
std::string slot_of(std::string_view key, unsigned which = 0);

// `store`: its directory. nullopt: nothing is there, or more than `most` octets.
std::optional<std::string> read_slot(const std::string& store, const std::string& name, std::size_t most);
// Where the store cannot be written nothing is kept; whoever looks policies up has said so.
void write_slot(const std::string& store, const std::string& name, std::string_view text);
// Of writers that were killed.
void remove_unfinished_slots(const std::string& store);

}  // namespace mtasts
