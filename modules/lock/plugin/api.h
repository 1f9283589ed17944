#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/settings.h"

// What the functions of the module `lock` take and give. Who owns a lock that is taken through the
// API is a session that the caller opens: the caller itself is not seen to end. A session that is
// neither used nor renewed for its time to live is over, and its locks are given back.
namespace weir::lock_api {

struct OpenSession {
    std::string name;
    std::chrono::milliseconds time_to_live = std::chrono::minutes(1);

    static config::Settings<OpenSession> describe();
};

struct Session {
    std::string session;

    static config::Settings<Session> describe();
};

struct SessionInfo {
    std::string session;
    std::string name;
    std::chrono::milliseconds time_to_live{};
    std::chrono::milliseconds left{};
    std::uint64_t locks = 0;

    static config::Settings<SessionInfo> describe();
};

struct Acquire {
    std::string session;
    std::string key;
    std::string context = "default";
    std::optional<std::chrono::milliseconds> timeout;

    static config::Settings<Acquire> describe();
};

// Of try and release.
struct SessionKey {
    std::string session;
    std::string key;
    std::string context = "default";

    static config::Settings<SessionKey> describe();
};

struct Pattern {
    std::string pattern = "*";

    static config::Settings<Pattern> describe();
};

struct SizedSemaphore {
    std::string key;
    std::string context = "default";
    std::uint32_t size = 1;

    static config::Settings<SizedSemaphore> describe();
};

struct NamedSemaphore {
    std::string key;
    std::string context = "default";

    static config::Settings<NamedSemaphore> describe();
};

}  // namespace weir::lock_api
