#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "core/tls/tls_context.h"

namespace weir {

config::EnumNames<TlsVersion> names_of(TlsVersion version);

// The settings of a module that listens at tls:// addresses, as a member of its own settings. The
// module calls TlsContext::reload() in Module::read_files_again(), so that SIGHUP renews the
// certificate.
struct TlsSettings {
    std::string certificate;
    std::string key;
    std::optional<std::string> client_ca;
    TlsVersion least_version = TlsVersion::tls_1_2;
    std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);

    // Reads the files, for a server. `options`: what the module decides; those of the settings are
    // replaced. Throws TlsError.
    std::shared_ptr<TlsContext> server_context(TlsOptions options = {}) const;

    static config::Settings<TlsSettings> describe();
};

}  // namespace weir
