#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"

// Parameters and results of the functions of the module `lock`. A lock that is taken through the
// API is owned by a session that the caller opens, because the module cannot see a caller end. A
// session that is neither used nor renewed for its time to live ends, and its locks are given back.
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

struct RenewSession {
    std::string session;
    std::chrono::milliseconds await_loss{};
    std::optional<std::string> key;
    std::string context = "default";

    static config::Settings<RenewSession> describe();
};

// A lock that was taken away from a session.
struct Lost {
    std::string key;
    std::string context;
    std::uint64_t token = 0;
    std::string reason;

    static config::Settings<Lost> describe();
};

struct SessionInfo {
    std::string session;
    std::string name;
    std::chrono::milliseconds time_to_live{};
    std::chrono::milliseconds left{};
    std::uint64_t locks = 0;
    std::chrono::milliseconds valid_for{};
    std::vector<Lost> lost;

    static config::Settings<SessionInfo> describe();
};

struct Acquire {
    std::string session;
    std::string key;
    std::string context = "default";
    bool shared = false;
    bool read = false;
    std::optional<std::chrono::milliseconds> timeout;

    static config::Settings<Acquire> describe();
};

struct Try {
    std::string session;
    std::string key;
    std::string context = "default";
    bool shared = false;
    bool read = false;

    static config::Settings<Try> describe();
};

struct SessionKey {
    std::string session;
    std::string key;
    std::string context = "default";

    static config::Settings<SessionKey> describe();
};

struct Break {
    std::string key;
    std::string context = "default";
    std::optional<std::uint64_t> token;

    static config::Settings<Break> describe();
};

struct Pattern {
    std::string pattern = "*";
    std::optional<std::uint32_t> most;

    static config::Settings<Pattern> describe();
};

struct SessionPattern {
    std::string pattern = "*";

    static config::Settings<SessionPattern> describe();
};

struct SizedSemaphore {
    std::string key;
    std::string context = "default";
    std::uint32_t size = 1;
    std::string made_by;

    static config::Settings<SizedSemaphore> describe();
};

struct ResizedSemaphore {
    std::string key;
    std::string context = "default";
    std::uint32_t size = 1;

    static config::Settings<ResizedSemaphore> describe();
};

struct NamedSemaphore {
    std::string key;
    std::string context = "default";

    static config::Settings<NamedSemaphore> describe();
};

}  // namespace weir::lock_api
