#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/sanitizer.h"

namespace weir {

// Under a sanitizer libraries stay in memory, so that its reports, which come at the end, know what
// was where.
#if defined(WEIR_SANITIZE_ADDRESS) || defined(WEIR_SANITIZE_THREAD)
inline constexpr bool libraries_stay = true;
#else
inline constexpr bool libraries_stay = false;
#endif

// Which content of a file was seen.
struct FileStamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Returns the stamp of what is there now; all zero if there is no such file.
FileStamp file_stamp(const std::string& path);

// A copy of a plugin's file: in memory (memfd_create), sealed, so that it needs no folder and
// nothing can write it; or, where the system does not execute that, in a folder of its own in
// $TMPDIR or /tmp. Either stays what was checked.
class PrivateCopy {
public:
    // Copies the file to <name>.so. Throws PluginError: it is no file, cannot be read, is no shared
    // library, or changed while it was copied; or there is no place for the copy. Blocks meanwhile.
    PrivateCopy(const std::string& path, const std::string& name);
    PrivateCopy(const PrivateCopy&) = delete;
    PrivateCopy& operator=(const PrivateCopy&) = delete;
    // Removes it. Requires that no library is open from it, unless keep_open() was called: the
    // dynamic linker would take another copy for this one if its descriptor had the same number.
    ~PrivateCopy();

    // Returns what the dynamic linker is to open.
    const std::string& path() const noexcept { return path_; }
    // To be called when the library is open: removes what only opening needs.
    void opened() noexcept;
    // Lets the copy stay when this object is destroyed, as long as the process.
    void keep_open() noexcept { file_ = -1; }
    // What was copied.
    const FileStamp& stamp() const noexcept { return stamp_; }
    // Empty after opened().
    std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
    std::string open_in_memory(const std::string& name);
    void open_in_folder(const std::string& from, const std::string& name,
                        const std::string& no_memory);
    void copy(const std::string& from);
    void unmap() noexcept;
    void remove() noexcept;

    std::string folder_;  // "": in memory
    std::string path_;
    int file_ = -1;
    FileStamp stamp_;
    std::span<const std::byte> bytes_;  // mapped
};

}  // namespace weir
