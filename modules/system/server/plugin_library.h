#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <uv.h>

#include "core/base/address_range.h"
#include "core/event/live_events.h"

namespace weir {

struct ModuleClass;

// A plugin could not be opened; what() says which file and why.
class PluginError : public std::runtime_error {
public:
    explicit PluginError(const std::string& what) : std::runtime_error(what) {}
    ~PluginError() override;
};

// Which content of a file was seen.
struct FileStamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The stamp of what is there now; all zero if there is no such file.
FileStamp file_stamp(const std::string& path);

// A plugin's shared library in memory. It is opened from a private copy of the file, so that the
// file may be overwritten, and opened again beside this one, at any time.
class PluginLibrary {
public:
    // Opens <name>.so. Throws PluginError: no such file, not a plugin, another ABI. Blocks while
    // it copies the file.
    PluginLibrary(std::string path, const std::string& name);
    // Nothing may refer to the library any more.
    ~PluginLibrary();
    PluginLibrary(const PluginLibrary&) = delete;
    PluginLibrary& operator=(const PluginLibrary&) = delete;

    const std::string& path() const noexcept { return path_; }
    const ModuleClass& module_class() const noexcept { return *class_; }
    const FileStamp& stamp() const noexcept { return stamp_; }

    // Whether the address is in the library: code, constants, or static objects.
    bool contains(const void* address) const noexcept;

    // The events that live of types that it describes.
    const LiveEvents& events() const noexcept { return *events_; }

    // The bytes that it takes in memory: code, constants and static objects.
    std::size_t size() const noexcept;

    // Closes the library. Says why it is still in memory, as /proc/self/maps shows it, or "" if it
    // has left. In a build with a sanitizer it stays, and "" is said.
    std::string close();

private:
    void open(const std::string& file, const std::string& name);
    void close_library() noexcept;

    std::string path_;
    FileStamp stamp_;
    uv_lib_t library_{};
    bool open_ = false;
    const ModuleClass* class_ = nullptr;
    std::string mapped_as_;  // the name of the copy
    std::vector<AddressRange> parts_;
    std::optional<LiveEvents> events_;
};

}  // namespace weir
