#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The hash of a password, by scrypt (RFC 7914): whoever reads it must try passwords one after the
/// other, each with much memory. As text it is as other programs write it (the PHC string format):
/// $scrypt$ln=15,r=8,p=3$salt$hash. Immutable, thread-safe.
class PasswordHash {
public:
    /// What computing a hash costs: 128 * 2^log_n * r bytes, and in proportion to that, p times,
    /// time.
    struct Cost {
        unsigned log_n = 15;
        unsigned r = 8;
        unsigned p = 3;
    };

    /// Returns the hash of a password, with a random salt. Blocks for some tenths of a second.
    /// Throws std::runtime_error if the system has no random numbers, or no memory.
    static PasswordHash of(std::string_view password, Cost cost);
    static PasswordHash of(std::string_view password) { return of(password, Cost()); }

    /// Reads the text form; returns none if the text is no such hash, or one that would cost more
    /// than 256 MiB or 16 times as much time as usual.
    static std::optional<PasswordHash> parse(std::string_view text);
    /// Returns whether the text claims to be a hash of this kind.
    static bool is_meant(std::string_view text) noexcept { return text.starts_with("$scrypt$"); }

    std::string text() const;

    /// Returns whether it is the hash of this password. Blocks as of() does. Takes as long for a
    /// wrong password as for the right one.
    bool matches(std::string_view password) const;

    friend bool operator==(const PasswordHash& a, const PasswordHash& b) noexcept {
        return a.salt_ == b.salt_ && a.hash_ == b.hash_;
    }

private:
    PasswordHash(Cost cost, std::string salt, std::string hash)
        : cost_(cost), salt_(std::move(salt)), hash_(std::move(hash)) {}

    Cost cost_;
    std::string salt_;  // bytes
    std::string hash_;  // bytes
};

}  // namespace weir
