#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/name_in.h"
#include "config/settings/settings.h"

// Parameters and results of the functions of the module `files`.
namespace weir::files {

inline config::NameIn name_of_root() {
    return {"root", "roots"};
}
inline config::NameIn name_of_watch() {
    return {"watch", "watches"};
}
inline config::NameIn name_of_tail() {
    return {"tail", "tails"};
}

// How the bytes of a file are written in a call.
enum class Coding { text, base64 };

inline config::EnumNames<Coding> names_of(Coding) {
    return {{"text", Coding::text}, {"base64", Coding::base64}};
}

enum class EntryKind { file, folder, link, other };

inline config::EnumNames<EntryKind> names_of(EntryKind) {
    return {{"file", EntryKind::file},
            {"folder", EntryKind::folder},
            {"link", EntryKind::link},
            {"other", EntryKind::other}};
}

struct ReadParameters {
    std::string root;
    std::string path;
    Coding coding = Coding::text;
    std::optional<std::uint64_t> position;
    std::optional<config::ByteSize> at_most;

    static config::Settings<ReadParameters> describe();
};

struct FileContent {
    std::string content;
    std::uint64_t size = 0;
    std::uint64_t next = 0;

    static config::Settings<FileContent> describe();
};

struct WriteParameters {
    std::string root;
    std::string path;
    std::string content;
    Coding coding = Coding::text;
    std::optional<std::string> mode;
    bool make_folders = false;

    static config::Settings<WriteParameters> describe();
};

struct AppendParameters {
    std::string root;
    std::string path;
    std::optional<std::string> content;
    Coding coding = Coding::text;
    config::Value line;
    std::optional<std::string> mode;
    bool make_folders = false;
    bool sync = false;
    config::ByteSize rotate_at;
    std::uint32_t keep = 9;

    static config::Settings<AppendParameters> describe();
};

struct ListParameters {
    std::string root;
    std::string path;
    std::string pattern = "*";
    bool recursive = false;
    std::uint32_t at_most = 1000;

    static config::Settings<ListParameters> describe();
};

struct FileEntry {
    std::string path;
    EntryKind kind = EntryKind::other;
    std::uint64_t size = 0;
    std::string modified;

    static config::Settings<FileEntry> describe();
};

struct Listing {
    std::vector<FileEntry> entries;
    bool cut = false;

    static config::Settings<Listing> describe();
};

struct MoveParameters {
    std::string root;
    std::string from;
    std::string to;
    std::optional<std::string> to_root;
    bool replace = false;
    bool make_folders = false;

    static config::Settings<MoveParameters> describe();
};

struct RemoveParameters {
    std::string root;
    std::string path;

    static config::Settings<RemoveParameters> describe();
};

struct ConfirmParameters {
    std::string tail;
    std::uint64_t number = 0;

    static config::Settings<ConfirmParameters> describe();
};

struct RootInfo {
    std::string name;
    std::string description;
    bool writable = false;
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    std::size_t waiting = 0;

    static config::Settings<RootInfo> describe();
};

struct WatchInfo {
    std::string name;
    std::string description;
    std::size_t files = 0;
    std::size_t unsettled = 0;
    std::uint64_t changes = 0;
    std::uint64_t overflows = 0;
    std::uint64_t beyond = 0;

    static config::Settings<WatchInfo> describe();
};

struct TailInfo {
    std::string name;
    std::string description;
    std::uint64_t number = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    std::uint64_t rotations = 0;
    std::uint64_t cut_files = 0;

    static config::Settings<TailInfo> describe();
};

struct FilesInfo {
    std::vector<RootInfo> roots;
    std::vector<WatchInfo> watches;
    std::vector<TailInfo> tails;

    static config::Settings<FilesInfo> describe();
};

// Returns the permissions that such a text says: "0640". Nothing: it says none.
std::optional<unsigned> mode_of(const std::string& text);

}  // namespace weir::files
