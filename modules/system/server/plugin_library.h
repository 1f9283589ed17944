#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address_range.h"
#include "core/event/live_events.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/private_copy.h"

namespace weir {

struct ModuleClass;
struct PluginTable;

// A plugin's shared library in memory. It is opened from a private copy of the file, so that the
// file may be overwritten, and opened again beside this one, at any time.
//
// A file that is damaged or half written would end the process that opens it. The copy is therefore
// checked first (check_plugin_file), and a file that the build has not sealed is opened in a child
// process first (try_plugin).
class PluginLibrary {
public:
    // Opens <name>.so. Throws PluginError: no such file, damaged, not a plugin, another ABI. Blocks
    // while it copies and checks the file.
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

    // Closes the library. Returns why the dynamic linker keeps it in memory, or "" if it has left.
    // In a build with a sanitizer it stays, and "" is returned.
    std::string close();

private:
    void open(const std::string& name);
    const ModuleClass& class_in(const PluginTable& table) const;
    void close_library() noexcept;

    std::string path_;
    FileStamp stamp_;
    void* library_ = nullptr;  // null: closed
    const ModuleClass* class_ = nullptr;
    std::unique_ptr<PrivateCopy> copy_;
    bool stays_ = false;  // in memory, although it was closed
    std::vector<AddressRange> parts_;
    std::optional<LiveEvents> events_;
};

}  // namespace weir
