#pragma once

#include <cstdint>
#include <string>

#include "modules/files/api.h"
#include "modules/files/changes.h"
#include "modules/system/event/describe_event.h"

namespace weir::files {

// A file of a watch has changed.
struct Changed : Event {
    Index<std::string> watch;
    Index<ChangeKind> kind;
    std::string path;
    std::string from;
    std::string file;
    std::uint64_t size = 0;

    static auto declare() {
        return portable_event<Changed>(
            "files.Changed", "A file of a watch has changed",
            member("watch", &Changed::watch, "Name of the watch").check(name_of_watch()),
            member("kind", &Changed::kind, "What has become of it"),
            member("path", &Changed::path, "Where it is, below the folder of the watch"),
            member("from", &Changed::from, "Where it was before, if it was moved"),
            member("file", &Changed::file, "The same as `path`, with the folder of the watch"),
            member("size", &Changed::size, "How long it is").unit("bytes"));
    }
};

// A tail has read a line.
struct Line : Event {
    Index<std::string> tail;
    config::Value line;
    std::uint64_t number = 0;
    bool cut = false;

    static auto declare() {
        return portable_event<Line>(
            "files.Line", "A tail has read a line",
            member("tail", &Line::tail, "Name of the tail").check(name_of_tail()),
            member("line", &Line::line,
                   "The line, without LF or CR LF at its end: a text, or JSON if `lines` says so "
                   "and it is some"),
            member("number", &Line::number,
                   "Which line of the tail it is; one that is told again has the same number"),
            member("cut", &Line::cut, "Whether the line is longer, and its rest is dropped"));
    }
};

}  // namespace weir::files
