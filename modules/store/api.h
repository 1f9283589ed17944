#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/system/event/describe_event.h"

// Settings, parameters and results of the module `store`.
namespace weir::store {

struct StoreSettings {
    std::optional<std::string> file;
    config::ByteSize max_key = config::kibibytes(1);
    config::ByteSize max_value = config::mebibytes(1);
    config::ByteSize max_size = config::mebibytes(256);

    static config::Settings<StoreSettings> describe();
};

struct KeyParameters {
    std::string key;

    static config::Settings<KeyParameters> describe();
};

struct SetParameters {
    std::string key;
    config::Value value;
    std::optional<std::chrono::milliseconds> time_to_live;
    std::optional<std::uint64_t> if_version;

    static config::Settings<SetParameters> describe();
};

struct DeleteParameters {
    std::string key;
    std::optional<std::uint64_t> if_version;

    static config::Settings<DeleteParameters> describe();
};

struct AddParameters {
    std::string key;
    std::int64_t by = 1;
    std::optional<std::chrono::milliseconds> time_to_live;

    static config::Settings<AddParameters> describe();
};

struct PushParameters {
    std::string key;
    config::Value value;
    std::uint32_t keep = 100;

    static config::Settings<PushParameters> describe();
};

struct ScanParameters {
    std::string prefix;
    std::string after;
    std::uint32_t limit = 100;

    static config::Settings<ScanParameters> describe();
};

struct EntryInfo {
    std::string key;
    config::Value value;
    std::uint64_t version = 0;
    std::optional<std::chrono::milliseconds> expires_in;

    static config::Settings<EntryInfo> describe();
};

struct ScanResult {
    std::vector<EntryInfo> entries;
    bool more = false;

    static config::Settings<ScanResult> describe();
};

// A key has another value, or none any more.
struct Changed : Event {
    Index<std::string> key;
    config::Value value;
    std::uint64_t version = 0;

    static auto declare() {
        return portable_event<Changed>(
            "store.Changed", "A key has another value, or is gone",
            member("key", &Changed::key, "The key"),
            member("value", &Changed::value,
                   "Its value; null: it was deleted, or its time is over"),
            member("version", &Changed::version, "The version of the change"));
    }
};

}  // namespace weir::store
