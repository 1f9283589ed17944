#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/zookeeper/contenders.h"
#include "modules/zookeeper/session.h"

namespace weir::zookeeper {

// The settings at module.zookeeper.
struct ZooKeeperSettings {
    struct Credentials {
        std::string scheme = "digest";
        std::string text;

        static config::Settings<Credentials> describe();
    };

    std::vector<std::string> servers;
    std::string root;
    std::chrono::milliseconds session_timeout = std::chrono::seconds(10);
    std::chrono::milliseconds request_timeout = std::chrono::seconds(10);
    std::vector<Credentials> credentials;
    std::optional<std::string> certificate_authorities;

    static config::Settings<ZooKeeperSettings> describe();

    // Throws AddressError, TlsError or std::invalid_argument.
    SessionOptions options() const;
};

inline config::EnumNames<WriterName> names_of(WriterName) {
    return {{"lock", WriterName::lock}, {"writ", WriterName::writ}};
}

// The settings of locks that ZooKeeper decides about: those of their session, where `root` is the
// node below which the locks are.
struct ZooKeeperLocksSettings : ZooKeeperSettings {
    ZooKeeperLocksSettings() { root = "/weir/locks"; }

    WriterName writers = WriterName::lock;

    static config::Settings<ZooKeeperLocksSettings> describe();
};

}  // namespace weir::zookeeper
