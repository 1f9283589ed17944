#include <array>
#include <new>

#include <openssl/evp.h>

#include "modules/redis/client.h"

namespace weir::redis {

std::string script_digest(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (unsigned int i = 0; i != size; ++i) {
        result += digits[digest[i] >> 4U];
        result += digits[digest[i] & 15U];
    }
    return result;
}

}  // namespace weir::redis
