#include "core/system/file_calls.h"

#include <unistd.h>

namespace weir::detail {

void fail_operation(std::string_view operation, const std::string& path, int error) {
    throw SystemError(std::string(operation) + ' ' + path, -error);
}

FileStatus status_of(const struct stat& found) noexcept {
    FileStatus status;
    status.kind = S_ISREG(found.st_mode)   ? FileKind::file
                  : S_ISDIR(found.st_mode) ? FileKind::folder
                  : S_ISLNK(found.st_mode) ? FileKind::link
                                           : FileKind::other;
    status.size = static_cast<std::uint64_t>(found.st_size);
    status.modified = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::seconds(found.st_mtim.tv_sec) +
            std::chrono::nanoseconds(found.st_mtim.tv_nsec)));
    status.mode = found.st_mode & 07777U;
    status.device = found.st_dev;
    status.number = found.st_ino;
    return status;
}

std::string read_at(int file, const std::string& path, std::uint64_t position, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled != size) {
        const ssize_t count = uninterrupted([&] {
            return ::pread(file, bytes.data() + filled, size - filled,
                           static_cast<off_t>(position + filled));
        });
        if (count < 0) {
            fail_operation("reading", path);
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);
    return bytes;
}

}  // namespace weir::detail
