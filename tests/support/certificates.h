#pragma once

/// Certificates for the tests of TLS, made anew in each run.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "core/tls/tls_context.h"

namespace weir::testing {

/// How a certificate differs from a valid one for localhost and 127.0.0.1.
struct CertificateOptions {
    std::string name = "localhost";
    std::string alternatives = "DNS:localhost,IP:127.0.0.1";
    long begins = -3600;  // seconds from now
    long ends = 3600;
};

/// An authority, and the files of the certificates that it has signed, in a folder that is removed
/// at the end.
class Authority {
public:
    Authority() {
        static int authorities = 0;
        folder_ =
            std::filesystem::temp_directory_path() /
            ("weir_tls_test." + std::to_string(getpid()) + '.' + std::to_string(++authorities));
        std::filesystem::create_directories(folder_);
        key_ = make_key();
        certificate_ = make(*key_, {.name = "weir test authority", .alternatives = {}}, true);
        write("authority", *certificate_, nullptr);
    }
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;
    ~Authority() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string file() const { return (folder_ / "authority.pem").string(); }

    /// Signs a certificate, and returns its files. The same file name replaces the former.
    TlsCertificate sign(const std::string& file, const CertificateOptions& options = {}) {
        const Key key = make_key();
        const Certificate certificate = make(*key, options, false);
        write(file, *certificate, key.get());
        const std::string path = (folder_ / (file + ".pem")).string();
        return {path, path};
    }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const noexcept { X509_free(certificate); }
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    using Key = std::unique_ptr<EVP_PKEY, Free>;
    using Certificate = std::unique_ptr<X509, Free>;

    static Key make_key() {
        Key key(EVP_EC_gen("P-256"));
        REQUIRE(key != nullptr);
        return key;
    }

    static void add_extension(X509& certificate, X509& issuer, int kind, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
        REQUIRE(extension != nullptr);
        X509_add_ext(&certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }

    Certificate make(EVP_PKEY& key, const CertificateOptions& options, bool authority) {
        Certificate made(X509_new());
        X509_set_version(made.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), options.begins);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), options.ends);
        X509_set_pubkey(made.get(), &key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(options.name.c_str()), -1,
                                   -1, 0);
        X509& issuer = authority ? *made : *certificate_;
        X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer));
        add_extension(*made, issuer, NID_basic_constraints,
                      authority ? "critical,CA:TRUE" : "CA:FALSE");
        if (!options.alternatives.empty()) {
            add_extension(*made, issuer, NID_subject_alt_name, options.alternatives);
        }
        REQUIRE(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
        return made;
    }

    void write(const std::string& name, X509& certificate, EVP_PKEY* key) const {
        const std::unique_ptr<std::FILE, Free> file(
            std::fopen((folder_ / (name + ".pem")).c_str(), "w"));
        REQUIRE(file != nullptr);
        if (key != nullptr) {
            PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
        }
        PEM_write_X509(file.get(), &certificate);
    }

    std::filesystem::path folder_;
    Key key_;
    Certificate certificate_;
    long serial_ = 0;
};

}  // namespace weir::testing
