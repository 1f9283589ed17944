#include <array>
#include <new>

#include <openssl/evp.h>

#include "core/base/hex.h"
#include "modules/redis/client.h"

namespace weir::redis {

std::string script_digest(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    return to_hex(std::span(digest.data(), size));
}

}  // namespace weir::redis
