#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/glob.h"
#include "core/system/file_descriptor.h"
#include "modules/files/changes.h"

namespace weir::files {

// A folder, and those below it, as the system knows and reports them (inotify). Follows no symbolic
// link but the folder's own name; sees regular files only.
//
// The looks block. All functions are called by one thread at a time, whichever.
class FolderTree {
public:
    struct Options {
        std::string folder;
        std::vector<std::string> patterns;
        bool recursive = false;
        std::size_t max_folders = 0;
        std::size_t max_files = 0;  // a look at more ends
    };

    // What the system has reported since the last call. Names are below the folder.
    struct Reports {
        std::vector<std::string> written;
        std::vector<std::string> closed;
        std::vector<std::string> changed;  // to be looked at: files and folders
        bool all = false;                  // all is to be looked at
        bool overflow = false;             // since reports are lost
    };

    // What was seen. A name below one of `folders` ("a/"; "" for all) that is not in `files` is no
    // file now.
    struct Looks {
        std::vector<std::pair<std::string, std::optional<Seen>>> files;
        std::vector<std::string> folders;
        std::set<std::string> watched;       // folders, as in `folders`
        bool is_there = true;                // the folder itself
        bool is_open = true;                 // it was looked at; false: nothing reports its changes
        std::optional<std::string> problem;  // something was not looked at, or is not watched
        std::string too_deep;                // a folder that is left out for its depth; "": none
        std::size_t scanned = 0;             // files that were found in folders
        std::uint64_t beyond = 0;            // more of them, which are left out
    };

    // Folders below so many others are left out, with what is in them.
    static constexpr std::size_t deepest = 64;

    // Throws SystemError if the system gives no reports any more.
    explicit FolderTree(Options options);

    // Becomes readable when there are reports.
    int descriptor() const noexcept { return reports_.number(); }
    // Does not block.
    Reports read();

    Looks look_at_all();
    Looks look(const std::vector<std::string>& names);

private:
    bool fits(std::string_view path) const;
    void add(const std::string& folder, const char* name, std::uint32_t what,
             Reports& reports) const;
    void watch(int folder, const std::string& path, Looks& looks);
    void forget(const std::string& prefix);
    void forget_others(const std::set<std::string>& watched);
    void scan(FileDescriptor folder, const std::string& prefix, Looks& looks);
    void scan_entry(int folder, const std::string& name, const std::string& prefix, Looks& looks);
    void scan_folder(int parent, const std::string& name, const std::string& prefix, Looks& looks);
    void look_at(int root, const std::string& path, Looks& looks);

    const Options options_;
    std::vector<std::pair<Glob, bool>> patterns_;  // whether it is compared with the path
    FileDescriptor reports_;
    std::map<int, std::string> folders_;  // "" or "a/", by the number of the watch
    std::map<std::string, int> numbers_;  // and the other way round
};

}  // namespace weir::files
