#pragma once

#include <string>

#include "core/run/task.h"
#include "core/stream/byte_stream.h"

namespace weir {

/// For what a file is opened as a stream.
enum class FileAccess {
    read,     ///< an existing file, from its begin
    create,   ///< writes a new file; fails (EEXIST) if it is there
    replace,  ///< writes a file from its begin, made if it is missing; what it has is dropped
    append,   ///< writes behind its end, made if it is missing
};

/// co_await open_file_stream("/var/log/orders", FileAccess::append): opens a file as a stream, to
/// read or to write it in straight code, and to copy between files, sockets and processes:
///
///     const ByteStream::Owner file = co_await open_file_stream(path);
///     co_await file->copy_to(*client);
///
/// Each read and write runs on a thread of libuv, one at a time, so that a slow disk delays no
/// other routine; what is written meanwhile is collected for the next one. A routine that is
/// closed, or a deadline, leaves an operation that has begun to its end. A stream that is destroyed
/// writes what it has, too, but only drain() or shutdown() tell whether that has worked. Neither
/// syncs the file to the disk: see replace_file() and File.
///
/// A stream that reads fails writing with EBADF, and one that writes has no input. `mode`:
/// permissions of a file that it makes, less the umask. Throws SystemError if the file cannot be
/// opened. For regular files: another one, such as a named pipe, may hold a thread for ever. Works
/// in a simulation, too.
Task<ByteStream::Owner> open_file_stream(std::string path, FileAccess access = FileAccess::read,
                                         unsigned mode = 0666, StreamOptions options = {});

}  // namespace weir
