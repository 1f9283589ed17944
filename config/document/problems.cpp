#include "config/document/problems.h"

#include <utility>

namespace weir::config {

std::string to_text(const Problem& problem) {
    std::string text = to_text(problem.position);
    if (!text.empty()) text += ": ";
    if (!problem.path.empty()) text += problem.path + ": ";
    return text + problem.what;
}

void Problems::add(const Position& position, const Path& path, std::string what) {
    if (full()) {
        leave_out();
        return;
    }
    problems_.insert({position, path.text(), std::move(what)});
}

std::string Problems::text() const {
    std::string text;
    for (const Problem& problem : problems_) {
        text += to_text(problem) + "\n";
    }
    if (left_out_ > 0) text += "and " + std::to_string(left_out_) + " more\n";
    return text;
}

}  // namespace weir::config
