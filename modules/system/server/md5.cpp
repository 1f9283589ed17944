#include "modules/system/server/md5.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace weir {

namespace {

using Sums = std::array<std::uint32_t, 4>;

constexpr std::size_t block_size = 64;

// Of each step: the integer part of 2^32 * abs(sin(step + 1)).
constexpr std::array<std::uint32_t, 64> sines{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

// Of each step of a round, over and over.
constexpr std::array<std::array<int, 4>, 4> shifts{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

void add_block(Sums& sums, const std::byte* block) {
    static_assert(std::endian::native == std::endian::little);
    std::array<std::uint32_t, 16> words{};
    std::memcpy(words.data(), block, block_size);
    auto [a, b, c, d] = sums;
    const auto step = [&](unsigned i, std::uint32_t mixed, unsigned word) {
        const std::uint32_t turned =
            std::rotl(a + mixed + sines[i] + words[word % 16], shifts[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b += turned;
    };
    for (unsigned i = 0; i != 16; ++i) step(i, (b & c) | (~b & d), i);
    for (unsigned i = 16; i != 32; ++i) step(i, (d & b) | (~d & c), 5 * i + 1);
    for (unsigned i = 32; i != 48; ++i) step(i, b ^ c ^ d, 3 * i + 5);
    for (unsigned i = 48; i != 64; ++i) step(i, c ^ (b | ~d), 7 * i);
    sums = {sums[0] + a, sums[1] + b, sums[2] + c, sums[3] + d};
}

}  // namespace

std::string md5(std::span<const std::byte> bytes) {
    Sums sums{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
    for (; bytes.size() >= block_size; bytes = bytes.subspan(block_size)) {
        add_block(sums, bytes.data());
    }
    // The rest, a one bit, zeros, and the number of bits.
    std::array<std::byte, 2 * block_size> rest{};
    std::copy(bytes.begin(), bytes.end(), rest.begin());
    rest[bytes.size()] = std::byte{0x80};
    const std::size_t blocks = bytes.size() + 1 + sizeof bits > block_size ? 2 : 1;
    std::memcpy(rest.data() + blocks * block_size - sizeof bits, &bits, sizeof bits);
    for (std::size_t i = 0; i != blocks; ++i) {
        add_block(sums, rest.data() + i * block_size);
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint32_t sum : sums) {
        for (unsigned shift = 0; shift != 32; shift += 8) {
            const std::uint32_t byte = sum >> shift & 0xff;
            text += digits[byte >> 4];
            text += digits[byte & 15];
        }
    }
    return text;
}

}  // namespace weir
