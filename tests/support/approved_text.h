#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

namespace weir::config::testing {

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

/// Checks that `text`, which users will read, is approved: equal to the content of
/// <folder>/<name>.approved.txt. With WEIR_APPROVE=1 in the environment, approves it; the change
/// then shows up in review.
inline void check_approved(const std::string& name, const std::string& text,
                           const std::string& folder = "config/settings/testdata") {
    std::string path = WEIR_SOURCE_DIR "/";
    path.append(folder).append("/").append(name).append(".approved.txt");
    if (const char* approve = std::getenv("WEIR_APPROVE"); approve && *approve == '1') {
        std::ofstream(path, std::ios::binary) << text;
    }
    const std::string approved = read_file(path);
    if (approved == text) {
        SUCCEED();
        return;
    }
    FAIL("not the approved text; if it is right, run the test with WEIR_APPROVE=1\n--- approved: "
         << path << "\n"
         << approved << "--- now:\n"
         << text << "---");
}

}  // namespace weir::config::testing
