#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/system/file_descriptor.h"

namespace weir::files {

// The beginning of a file, by which it is known again: files get the numbers of others that are
// gone, and some are cut and written anew.
struct Head {
    static constexpr std::size_t most = 256;

    std::uint64_t size = 0;
    std::uint64_t hash = 0;

    static Head of(const std::string& begin);

    friend bool operator==(const Head&, const Head&) = default;
};

// How far a tail has come: in which file, up to which byte, and with which line.
struct TailPlace {
    std::uint64_t file = 0;  // the inode
    std::uint64_t offset = 0;
    std::uint64_t lines = 0;
    Head head;  // of no more than is before `offset`

    // Returns JSON text, and reads it; nothing: it is none.
    std::string text() const;
    static std::optional<TailPlace> of_text(const std::string& text);

    friend bool operator==(const TailPlace&, const TailPlace&) = default;
};

// A file that a tail reads, whatever name it has now. All functions block.
class TailFile {
public:
    // Opens the file of that name; null: there is none. Throws SystemError; also if it is no
    // regular file.
    static std::shared_ptr<TailFile> open(const std::string& path);
    // Opens the one that the place is in: that of the name, or one that was rotated: with the name
    // and a number or date behind it, as app.log.1 and app.log-20261224. Null: there is none that
    // begins the same and is as long.
    static std::shared_ptr<TailFile> find(const std::string& path, const TailPlace& place);

    struct State {
        std::uint64_t size = 0;
        std::int64_t modified = 0;  // nanoseconds
        bool has_name = false;      // any
        std::string begin;          // up to Head::most bytes
    };
    State state() const;

    // Which files there are beside it.
    struct Standing {
        bool is_current = false;  // it has the name that was opened
        bool has_later = false;   // otherwise: there is one that was rotated later
        bool has_next = false;    // otherwise: the file of that name has something
    };

    // What is read at an offset, and how the file is then: if it begins as before, the bytes are of
    // that file, and not of what was written anew in its place.
    struct Look {
        std::string bytes;
        State state;
        Standing standing;  // as it was before the end was read; known at the end only
    };
    Look look(std::uint64_t offset, std::size_t size) const;

    std::uint64_t number() const noexcept { return number_; }
    // Returns the file that follows: the oldest one that was rotated later, or that of the name.
    std::shared_ptr<TailFile> next() const;

private:
    TailFile(std::string path, FileDescriptor file, std::uint64_t device, std::uint64_t number)
        : path_(std::move(path)), file_(std::move(file)), device_(device), number_(number) {}

    Standing standing() const;
    std::shared_ptr<TailFile> next_rotated() const;
    std::string read(std::uint64_t offset, std::size_t size) const;

    static std::shared_ptr<TailFile> open_as(const std::string& path, const std::string& name);

    const std::string path_;  // of the tail
    const FileDescriptor file_;
    const std::uint64_t device_;
    const std::uint64_t number_;
};

}  // namespace weir::files
