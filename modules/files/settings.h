#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"

// The settings at module.files, as an app file has them.
namespace weir::files {

// A folder below which functions work, and nowhere else.
struct RootSettings {
    std::string folder;
    std::string description;
    bool writable = false;
    config::ByteSize max_size = config::mebibytes(1);
    std::uint32_t waiting = 100;

    static config::Settings<RootSettings> describe();
};

struct WatchSettings {
    std::string folder;
    std::string description;
    std::vector<std::string> patterns{"*"};
    bool recursive = false;
    bool existing = false;
    std::chrono::milliseconds settled{200};
    std::chrono::milliseconds unclosed = std::chrono::seconds(10);
    std::optional<std::chrono::milliseconds> rescan = std::chrono::minutes(5);
    std::uint32_t max_files = 10'000;
    std::uint32_t max_folders = 1000;

    static config::Settings<WatchSettings> describe();
};

// Where a tail begins in a file of which it knows nothing.
enum class From { begin, end };

inline config::EnumNames<From> names_of(From) {
    return {{"begin", From::begin}, {"end", From::end}};
}

enum class LineForm { text, json };

inline config::EnumNames<LineForm> names_of(LineForm) {
    return {{"text", LineForm::text}, {"json", LineForm::json}};
}

struct TailSettings {
    std::string file;
    std::string description;
    LineForm lines = LineForm::text;
    From from = From::end;
    config::ByteSize longest_line = config::kibibytes(64);
    std::chrono::milliseconds linger = std::chrono::seconds(1);
    std::optional<std::string> state_file;
    bool confirm = false;
    std::uint32_t ahead = 1000;

    static config::Settings<TailSettings> describe();
};

struct FilesSettings {
    std::map<std::string, RootSettings> roots;
    std::map<std::string, WatchSettings> watches;
    std::map<std::string, TailSettings> tails;

    static config::Settings<FilesSettings> describe();
};

}  // namespace weir::files
