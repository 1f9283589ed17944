#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/system/file_descriptor.h"
#include "core/wait/task_pool.h"
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
// depend on these. Only regular files below the folder are served: each part of the path is opened
// without following symbolic links, and parts that begin with '.' are not there. Files are read on
// libuv's threads, piece by piece, as fast as the client takes them; a file of one piece is read
// where it is opened, because each visit to a thread costs more than the reading.
class StaticFiles {
public:
    // `index`: the file that stands for its folder; "": none.
    StaticFiles(Scheduler& scheduler, std::string folder, std::string index);

    // Handles GET requests of a route that ends in `*`. Throws HttpError.
    Task<> handle(Exchange& exchange);

private:
    struct Opened {
        FileDescriptor file;
        bool is_folder = false;
        bool is_missing = false;
        std::uint64_t size = 0;
        std::int64_t modified = 0;  // nanoseconds since 1970
        std::string whole;          // all bytes of a file of one piece; else empty
    };
    using Shared = std::shared_ptr<const Opened>;

    static Opened open(const std::string& folder, const std::vector<std::string>& parts);
    static std::string read_part(const Opened& opened, std::uint64_t position, std::size_t size);
    Task<> send(Exchange& exchange, Shared opened, std::string_view name);
    Task<> send_bytes(Exchange& exchange, Shared opened, int status, Headers headers,
                      ByteRange range);

    const std::string folder_;
    const std::string index_;
    TaskPool pool_;
};

}  // namespace weir::http
