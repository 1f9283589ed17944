#include "core/tls/openssl.h"

#include <array>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <uv.h>

namespace weir::openssl {

std::string take_reason() {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(error)) {
        std::array<char, 128> text{};
        return uv_strerror_r(-ERR_GET_REASON(error), text.data(), text.size());
    }
    const char* const reason = ERR_reason_error_string(error);
    return reason == nullptr ? "no reason given" : reason;
}

std::string subject_of(X509& certificate) {
    const Owned<BIO> text(BIO_new(BIO_s_mem()));
    if (text == nullptr || X509_NAME_print_ex(text.get(), X509_get_subject_name(&certificate), 0,
                                              XN_FLAG_RFC2253) < 0) {
        return {};
    }
    char* begin = nullptr;
    const long size = BIO_get_mem_data(text.get(), &begin);
    return std::string(begin, static_cast<std::size_t>(size));
}

}  // namespace weir::openssl
