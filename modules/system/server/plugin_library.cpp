#include "modules/system/server/plugin_library.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/system/module/plugin.h"

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
        std::error_code error;
        try {
            path_ = folder_ + "/" + name + ".so";
            std::filesystem::copy_file(path, path_, error);
            if (error) {
                throw PluginError("cannot copy " + path + " to " + path_);
            }
        } catch (...) {
            remove();
            throw;
        }
    }
    PrivateCopy(const PrivateCopy&) = delete;
    PrivateCopy& operator=(const PrivateCopy&) = delete;
    ~PrivateCopy() { remove(); }

    const std::string& path() const noexcept { return path_; }

private:
    // Without asking for memory.
    void remove() const noexcept {
        unlink(path_.c_str());
        rmdir(folder_.c_str());
    }

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
        dl_phdr_info found;

        static AddressRange part(const dl_phdr_info& info, int i) noexcept {
            const std::uintptr_t from = info.dlpi_addr + info.dlpi_phdr[i].p_vaddr;
            return {from, from + info.dlpi_phdr[i].p_memsz};
        }
    } search{reinterpret_cast<std::uintptr_t>(address), {}};
    // Nothing is thrown through the dynamic linker.
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) noexcept {
            auto& looking = *static_cast<Search*>(data);
            for (int i = 0; i != info->dlpi_phnum; ++i) {
                if (info->dlpi_phdr[i].p_type == PT_LOAD &&
                    Search::part(*info, i).contains(looking.address)) {
                    looking.found = *info;
                    return 1;
                }
            }
            return 0;
        },
        &search);
    std::vector<AddressRange> parts;
    for (int i = 0; i != search.found.dlpi_phnum; ++i) {
        if (search.found.dlpi_phdr[i].p_type == PT_LOAD) {
            parts.push_back(Search::part(search.found, i));
        }
    }
    return parts;
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
    try {
        open(copy.path(), name);
    } catch (...) {
        close_library();
        throw;
    }
}

void PluginLibrary::open(const std::string& file, const std::string& name) {
    if (uv_dlopen(file.c_str(), &library_) != 0) {
        throw PluginError("cannot open " + path_ + ": " + uv_dlerror(&library_));
    }
    void* entry = nullptr;
    if (uv_dlsym(&library_, plugin_entry_name(name).c_str(), &entry) != 0) {
        throw PluginError(path_ + " is not a plugin: it has no entry point " +
                          plugin_entry_name(name));
    }
    const PluginTable* table = reinterpret_cast<const PluginTable* (*)()>(entry)();
    if (const std::string difference = abi_difference(*table); !difference.empty()) {
        throw PluginError(path_ + " was built for another ABI: " + difference);
    }
    class_ = &table->module_class();
    if (class_->name != name) {
        throw PluginError(path_ + " brings the module '" + class_->name + "', expected '" + name +
                          "'");
    }
    parts_ = parts_of_library_at(entry);
    events_.emplace(parts_);
}

PluginLibrary::~PluginLibrary() {
    close_library();
}

bool PluginLibrary::contains(const void* address) const noexcept {
    return std::any_of(parts_.begin(), parts_.end(),
                       [address](const AddressRange& part) { return part.contains(address); });
}

std::size_t PluginLibrary::size() const noexcept {
    std::size_t size = 0;
    for (const AddressRange& part : parts_) {
        size += part.to - part.from;
    }
    return size;
}

void PluginLibrary::close_library() noexcept {
    if (std::exchange(open_, false)) {
        class_ = nullptr;
        events_.reset();
        if constexpr (kept_for_reports) {
            library_.handle = nullptr;  // libuv frees its part
        }
        uv_dlclose(&library_);
    }
}

std::string PluginLibrary::close() {
    if (!open_) {
        return {};
    }
    close_library();
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
