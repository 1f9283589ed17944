#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "modules/zookeeper/transaction.h"

// Parameters and results of the functions of the module `zookeeper`.
namespace weir::zookeeper::api {

struct Path {
    std::string path;

    static config::Settings<Path> describe();
};

struct Create {
    std::string path;
    std::string data;
    CreateMode mode = CreateMode::persistent;

    static config::Settings<Create> describe();
};

struct Set {
    std::string path;
    std::string data;
    std::optional<std::int32_t> version;

    static config::Settings<Set> describe();
};

struct Remove {
    std::string path;
    std::optional<std::int32_t> version;

    static config::Settings<Remove> describe();
};

struct NodeInfo {
    std::string data;
    std::int32_t version = 0;
    std::int64_t created = 0;
    std::int64_t changed = 0;

    static config::Settings<NodeInfo> describe();
};

struct Status {
    std::string state;
    std::string session;
    std::string server;
    double timeout = 0;
    double valid_for = 0;

    static config::Settings<Status> describe();
};

}  // namespace weir::zookeeper::api

namespace weir::zookeeper {

inline config::EnumNames<CreateMode> names_of(CreateMode) {
    return {{"persistent", CreateMode::persistent},
            {"ephemeral", CreateMode::ephemeral},
            {"persistent_sequential", CreateMode::persistent_sequential},
            {"ephemeral_sequential", CreateMode::ephemeral_sequential},
            {"container", CreateMode::container}};
}

}  // namespace weir::zookeeper
