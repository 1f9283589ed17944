#include "modules/system/rights/password_hash.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/base/base64.h"

namespace weir {

namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
constexpr std::uint64_t most_hash_memory = std::uint64_t{256} << 20;
constexpr std::uint64_t most_hash_work = std::uint64_t{16} * 3 * 8 << 15;  // of 2^log_n * r * p

const unsigned char* bytes(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::uint64_t memory_of(const PasswordHash::Cost& cost) noexcept {
    return (std::uint64_t{128} << cost.log_n) * cost.r;
}

std::string scrypt(std::string_view password, std::string_view salt, std::size_t size,
                   const PasswordHash::Cost& cost) {
    std::string hash(size, '\0');
    // What it allocates beside its large block is in proportion to p.
    const std::uint64_t limit = memory_of(cost) + (std::uint64_t{256} * cost.r * cost.p) + 65536;
    const int done = EVP_PBE_scrypt(password.data(), password.size(), bytes(salt), salt.size(),
                                    std::uint64_t{1} << cost.log_n, cost.r, cost.p, limit,
                                    reinterpret_cast<unsigned char*>(hash.data()), size);
    // What OpenSSL keeps for a thread would be lost with a thread of libuv, which ends after it.
    OPENSSL_thread_stop();
    if (done != 1) {
        throw std::runtime_error("cannot compute the hash of a password: no memory");
    }
    return hash;
}

// Base64 without padding, as the format has it.
std::optional<std::string> from_unpadded(std::string_view text) {
    constexpr std::size_t most_digits = 200;
    return text.empty() || text.size() > most_digits ? std::nullopt
                                                     : from_base64(text, Base64Padding::without);
}

std::string unpadded(std::string_view data) {
    return to_base64(data, Base64Padding::without);
}

// Takes what stands before the separator, and the separator.
std::string_view take_until(std::string_view& text, char separator) noexcept {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

// Reads "ln=15".
bool read_parameter(std::string_view text, std::string_view name, unsigned& value) noexcept {
    if (!text.starts_with(name) || text.size() == name.size()) {
        return false;
    }
    const auto [end, wrong] =
        std::from_chars(text.data() + name.size(), text.data() + text.size(), value);
    return wrong == std::errc() && end == text.data() + text.size();
}

bool is_bearable(const PasswordHash::Cost& cost) noexcept {
    return cost.log_n >= 1 && cost.log_n <= 24 && cost.r >= 1 && cost.r <= 64 && cost.p >= 1 &&
           cost.p <= 64 && memory_of(cost) <= most_hash_memory &&
           (std::uint64_t{cost.r} * cost.p << cost.log_n) <= most_hash_work;
}

}  // namespace

PasswordHash PasswordHash::of(std::string_view password, Cost cost) {
    std::array<unsigned char, salt_bytes> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
        throw std::runtime_error("the system has no random numbers for a salt");
    }
    std::string salt(random.begin(), random.end());
    std::string hash = scrypt(password, salt, hash_bytes, cost);
    return {cost, std::move(salt), std::move(hash)};
}

std::optional<PasswordHash> PasswordHash::parse(std::string_view text) {
    if (!is_meant(text)) {
        return {};
    }
    text.remove_prefix(std::string_view("$scrypt$").size());
    std::string_view parameters = take_until(text, '$');
    Cost cost;
    const bool readable = read_parameter(take_until(parameters, ','), "ln=", cost.log_n) &&
                          read_parameter(take_until(parameters, ','), "r=", cost.r) &&
                          read_parameter(parameters, "p=", cost.p);
    std::optional<std::string> salt = from_unpadded(take_until(text, '$'));
    std::optional<std::string> hash = from_unpadded(text);
    if (!readable || !is_bearable(cost) || !salt || !hash || hash->size() < 16) {
        return {};
    }
    return PasswordHash(cost, *std::move(salt), *std::move(hash));
}

std::string PasswordHash::text() const {
    return "$scrypt$ln=" + std::to_string(cost_.log_n) + ",r=" + std::to_string(cost_.r) +
           ",p=" + std::to_string(cost_.p) + "$" + unpadded(salt_) + "$" + unpadded(hash_);
}

bool PasswordHash::matches(std::string_view password) const {
    const std::string computed = scrypt(password, salt_, hash_.size(), cost_);
    // To scrypt, a password with zeros at its end is the same as without.
    return password.find('\0') == std::string_view::npos &&
           CRYPTO_memcmp(computed.data(), hash_.data(), hash_.size()) == 0;
}

}  // namespace weir
