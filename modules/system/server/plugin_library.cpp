#include "modules/system/server/plugin_library.h"

#include <algorithm>
#include <new>
#include <utility>

#include <dlfcn.h>
#include <link.h>

#include "modules/system/module/plugin.h"
#include "modules/system/server/plugin_file.h"
#include "modules/system/server/plugin_trial.h"

namespace weir {

namespace {

// Returns whether the dynamic linker still has a library that it opened by this path. Other
// mappings of the file do not count: libbacktrace keeps one for ever.
bool is_open(const std::string& path) noexcept {
    return dl_iterate_phdr(
               [](dl_phdr_info* info, std::size_t, void* name) noexcept {
                   return *static_cast<const std::string*>(name) == info->dlpi_name ? 1 : 0;
               },
               const_cast<std::string*>(&path)) != 0;
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

PluginLibrary::PluginLibrary(std::string path, const std::string& name) : path_(std::move(path)) {
    copy_ = std::make_unique<PrivateCopy>(path_, name);
    stamp_ = copy_->stamp();
    const PluginFileCheck check = check_plugin_file(copy_->bytes());
    if (!check.fault.empty()) {
        throw PluginError(path_ + " " + check.fault);
    }
    if (!check.sealed) {
        if (const std::string end = try_plugin(copy_->path(), name); !end.empty()) {
            throw PluginError(path_ + " is damaged or cannot work: a process that opened it " +
                              end);
        }
    }
    try {
        open(name);
    } catch (...) {
        close_library();
        throw;
    }
    copy_->opened();
}

void PluginLibrary::open(const std::string& name) {
    // RTLD_NOW: a symbol that is missing would end the process when it is first used.
    library_ = dlopen(copy_->path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) {
        throw PluginError("cannot open " + path_ + ": " + dlerror());
    }
    void* const entry = dlsym(library_, plugin_entry_name(name).c_str());
    if (entry == nullptr) {
        throw PluginError(path_ + " is not a plugin: it has no entry point " +
                          plugin_entry_name(name));
    }
    const PluginTable* table = reinterpret_cast<const PluginTable* (*)()>(entry)();
    if (const std::string difference = abi_difference(*table); !difference.empty()) {
        throw PluginError(path_ + " was built for another ABI: " + difference);
    }
    class_ = &class_in(*table);
    if (class_->name != name) {
        throw PluginError(path_ + " brings the module '" + class_->name + "', expected '" + name +
                          "'");
    }
    parts_ = parts_of_library_at(entry);
    events_.emplace(parts_);
}

// What the plugin throws may be of a type of its own, which leaves with it.
const ModuleClass& PluginLibrary::class_in(const PluginTable& table) const {
    std::string why;
    try {
        return table.module_class();
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& exception) {
        why = exception.what();
    } catch (...) {
        why = "an exception of an unknown type";
    }
    throw PluginError(path_ + " cannot describe its module: " + why);
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
    if (library_ == nullptr) {
        return;
    }
    class_ = nullptr;
    events_.reset();
    if constexpr (!libraries_stay) {
        dlclose(library_);
    }
    library_ = nullptr;
    if (libraries_stay || is_open(copy_->path())) {
        stays_ = true;
        copy_->keep_open();
    }
}

std::string PluginLibrary::close() {
    if (library_ == nullptr) {
        return {};
    }
    close_library();
    if (libraries_stay || !stays_) {
        return {};
    }
    // The dynamic linker keeps it for these reasons only.
    return path_ +
           " is still in memory after it was closed: it, or another library that it "
           "needs, was linked with -z nodelete, has a symbol that is unique in the "
           "process (built without -fno-gnu-unique), or a thread-local object of it lives";
}

}  // namespace weir
