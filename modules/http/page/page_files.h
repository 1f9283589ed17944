#pragma once

#include <span>
#include <string_view>

namespace weir::http {

// A file of the page, which the build has put into the program.
struct PageFile {
    std::string_view name;
    std::string_view text;
};

extern const std::span<const PageFile> page_files;
// Of the names and contents of all files.
extern const std::string_view page_digest;

}  // namespace weir::http
