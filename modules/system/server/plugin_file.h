#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weir {

// What can be known of a plugin's file before it is opened: a file that is damaged, or not yet
// written to its end, kills the process that opens it.
//
// The build seals a plugin (cmake/seal_plugin.cmake): it appends a line with the SHA-256 digest of
// all bytes before it. The dynamic linker does not look at what follows the sections. A tool that
// changes a plugin, as `strip`, usually drops the seal. Without a seal only the structure of the
// file is checked, and what structure cannot show is tried in another process: see try_plugin.

// A file begins with so many bytes that tell whether it is a shared library for this machine.
inline constexpr std::size_t plugin_header_size = 64;

// Returns what is wrong with a file that begins with these bytes, to follow the file's name: "is
// empty", "is no shared library: ..."; "" if nothing is.
std::string plugin_header_fault(std::span<const std::byte> begin);

struct PluginFileCheck {
    std::string fault;    // as plugin_header_fault() says it
    bool sealed = false;  // the file is, byte for byte, what the build made
};

// Checks a whole file: its header, its sections and segments and the tables that the dynamic linker
// reads, its code for holes, and its seal.
PluginFileCheck check_plugin_file(std::span<const std::byte> file);

// Returns the line that seals a file with this content.
std::string plugin_seal(std::span<const std::byte> file);

}  // namespace weir
