#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/document/path.h"
#include "config/settings/settings.h"
#include "core/tls/tls_context.h"

namespace weir {

class AppCheck;
class ModuleLog;

config::EnumNames<TlsVersion> names_of(TlsVersion version);

// The settings of a module that listens at tls:// addresses, as a member of its own settings. The
// module calls read_certificates_again() in Module::read_files_again(), so that SIGHUP renews the
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

// Reads the files as a server that starts does, and reports at the path what it would fail with.
// Warns of certificates that clients will refuse, because they are not valid at this time.
void check_tls(const AppCheck& app, const TlsSettings& settings, const config::Path& path);

// Makes the context of a listener read its files again, and logs that it has. If that fails, logs
// why, and the old certificate stays. Connections go on with the certificate that they were opened
// with. `address`: where it listens, for the log.
void read_certificates_again(TlsContext& context, const std::string& address, const ModuleLog& log);

}  // namespace weir
