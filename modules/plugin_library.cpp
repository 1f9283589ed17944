#include "modules/plugin_library.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/plugin.h"

namespace weir {

namespace {

// A copy of a file in a folder of its own, which is gone when this goes.
class PrivateCopy {
public:
    PrivateCopy(const std::string& path, const std::string& name) {
        const char* temporary = std::getenv("TMPDIR");
        folder_ = std::string(temporary != nullptr ? temporary : "/tmp") + "/weir-XXXXXX";
        if (mkdtemp(folder_.data()) == nullptr) {
            throw PluginError("cannot copy " + path + ": no folder " + folder_ + " can be made");
        }
        path_ = folder_ + "/" + name + ".so";
        std::error_code error;
        std::filesystem::copy_file(path, path_, error);
        if (error) {
            std::filesystem::remove_all(folder_, error);
            throw PluginError("cannot copy " + path + " to " + path_);
        }
    }
    PrivateCopy(const PrivateCopy&) = delete;
    PrivateCopy& operator=(const PrivateCopy&) = delete;
    ~PrivateCopy() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    const std::string& path() const noexcept { return path_; }

private:
    std::string folder_;
    std::string path_;
};

// Under a sanitizer libraries stay, so that its reports, which come at the end, know what was
// where.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kept_for_reports = true;
#else
constexpr bool kept_for_reports = false;
#endif

// Whether a file, or what is left of it, is in the memory of this process.
bool is_mapped(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(name) != std::string::npos) {
            return true;
        }
    }
    return false;
}

// The parts of the library that has the address.
std::vector<AddressRange> parts_of_library_at(const void* address) {
    struct Search {
        std::uintptr_t address;
        std::vector<AddressRange> found;
    } search{reinterpret_cast<std::uintptr_t>(address), {}};
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& looking = *static_cast<Search*>(data);
            std::vector<AddressRange> parts;
            bool is_it = false;
            for (int i = 0; i != info->dlpi_phnum; ++i) {
                const auto& part = info->dlpi_phdr[i];
                if (part.p_type != PT_LOAD) {
                    continue;
                }
                const std::uintptr_t from = info->dlpi_addr + part.p_vaddr;
                parts.push_back({from, from + part.p_memsz});
                is_it = is_it || parts.back().contains(looking.address);
            }
            if (is_it) {
                looking.found = std::move(parts);
            }
            return is_it ? 1 : 0;
        },
        &search);
    return std::move(search.found);
}

}  // namespace

PluginError::~PluginError() = default;

FileStamp file_stamp(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return {};
    }
    return {std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
            static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_ino)};
}

PluginLibrary::PluginLibrary(std::string path, const std::string& name)
    : path_(std::move(path)), stamp_(file_stamp(path_)) {
    if (stamp_ == FileStamp()) {
        throw PluginError("there is no file " + path_);
    }
    const PrivateCopy copy(path_, name);
    mapped_as_ = copy.path();
    open_ = true;
    if (uv_dlopen(copy.path().c_str(), &library_) != 0) {
        const std::string why = uv_dlerror(&library_);
        close();
        throw PluginError("cannot open " + path_ + ": " + why);
    }
    void* entry = nullptr;
    if (uv_dlsym(&library_, plugin_entry_name(name).c_str(), &entry) != 0) {
        close();
        throw PluginError(path_ + " is not a plugin: it has no entry point " +
                          plugin_entry_name(name));
    }
    const PluginTable* table = reinterpret_cast<const PluginTable* (*)()>(entry)();
    if (const std::string difference = abi_difference(*table); !difference.empty()) {
        close();
        throw PluginError(path_ + " was built for another ABI: " + difference);
    }
    class_ = &table->module_class();
    if (class_->name != name) {
        const std::string other = class_->name;
        close();
        throw PluginError(path_ + " brings the module '" + other + "', expected '" + name + "'");
    }
    parts_ = parts_of_library_at(entry);
}

PluginLibrary::~PluginLibrary() {
    close();
}

bool PluginLibrary::contains(const void* address) const noexcept {
    const auto place = reinterpret_cast<std::uintptr_t>(address);
    return std::any_of(parts_.begin(), parts_.end(),
                       [place](const AddressRange& part) { return part.contains(place); });
}

std::size_t PluginLibrary::size() const noexcept {
    std::size_t size = 0;
    for (const AddressRange& part : parts_) {
        size += part.to - part.from;
    }
    return size;
}

std::string PluginLibrary::close() {
    if (!open_) {
        return {};
    }
    open_ = false;
    class_ = nullptr;
    if constexpr (kept_for_reports) {
        library_.handle = nullptr;  // libuv frees its part
    }
    uv_dlclose(&library_);
    if constexpr (kept_for_reports) {
        return {};
    }
    if (!is_mapped(mapped_as_)) {
        return {};
    }
    // The dynamic linker keeps it for these reasons only.
    return path_ +
           " is still in memory after it was closed: it, or another library that it "
           "needs, was linked with -z nodelete, has a symbol that is unique in the "
           "process (built without -fno-gnu-unique), or a thread-local object of it lives";
}

}  // namespace weir
