#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weir {

// Which content of a file was seen.
struct FileStamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Returns the stamp of what is there now; all zero if there is no such file.
FileStamp file_stamp(const std::string& path);

// A copy of a plugin's file in a folder of its own, which is removed with this object. No other
// process writes it, so it stays what was checked.
class PrivateCopy {
public:
    // Copies the file to <name>.so. Throws PluginError: it is no file, cannot be read, is no shared
    // library, or changed while it was copied; or there is no room for the copy. Blocks meanwhile.
    PrivateCopy(const std::string& path, const std::string& name);
    PrivateCopy(const PrivateCopy&) = delete;
    PrivateCopy& operator=(const PrivateCopy&) = delete;
    ~PrivateCopy();

    const std::string& path() const noexcept { return path_; }
    // What was copied.
    const FileStamp& stamp() const noexcept { return stamp_; }
    std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
    void copy(const std::string& from);
    void remove() const noexcept;

    std::string folder_;
    std::string path_;
    FileStamp stamp_;
    std::span<const std::byte> bytes_;  // mapped
};

}  // namespace weir
