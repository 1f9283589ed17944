#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weir {

// Returns the MD5 digest (RFC 1321) of the bytes, in 32 hexadecimal digits. It finds damage, as by
// an interrupted copy; it is no protection against an attacker. CMake can compute it, and of what
// CMake can compute it is the fastest.
std::string md5(std::span<const std::byte> bytes);

}  // namespace weir
