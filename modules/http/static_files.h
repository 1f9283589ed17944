#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/system/folder_files.h"
#include "modules/http/exchange.h"

namespace weir::http {

// A range of bytes of a file, [first, first + size).
struct ByteRange {
    std::uint64_t first;
    std::uint64_t size;
};

// Reads `Range: bytes=0-99` for a file of so many bytes. Returns nothing for what is to be ignored,
// as several ranges; a size of 0: the file has none of the bytes.
std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t file_size);

// Returns "text/html; charset=utf-8", as the end of the file's name says.
std::string_view content_type(std::string_view name) noexcept;

// The files of a folder as responses: with ranges, ETag and Last-Modified, and the requests that
// depend on these. Only regular files below the folder are served, never through a symbolic link
// below it (FolderFiles), and parts of paths that begin with '.' are not there. A file of one piece
// is read where it is opened; a larger one on libuv's threads, piece by piece, as fast as the
// client takes them.
class StaticFiles {
public:
    // `index`: the file that stands for its folder; "": none.
    StaticFiles(Scheduler& scheduler, std::string folder, std::string index,
                SmallFiles small_files = SmallFiles::usual);

    // Handles GET requests of a route that ends in `*`. Throws HttpError.
    Task<> handle(Exchange& exchange);

private:
    std::string path_of(const Request& request, std::size_t segments_before) const;
    Task<> send(Exchange& exchange, FolderFile file, std::string_view name);
    Task<> send_bytes(Exchange& exchange, FolderFile file, int status, Headers headers,
                      ByteRange range);

    const std::string index_;
    FolderFiles files_;
};

}  // namespace weir::http
