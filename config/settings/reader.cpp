#include "config/settings/reader.h"

#include <utility>

#include "config/document/found.h"
#include "config/text/nearest_name.h"

namespace weir::config {

namespace {

constexpr std::size_t deepest_path = 64;

// Messages show fewer characters of a name, and hostile names are long.
constexpr std::size_t longest_step = 256;

}  // namespace

Reader::Inside::Inside(Reader& reader, std::string_view name, bool secret)
    : reader_(reader), was_secret_(reader.secret_) {
    reader_.path_.push(name.substr(0, longest_step));
    reader_.secret_ = reader_.secret_ || secret;
}

Reader::Inside::Inside(Reader& reader, std::size_t index)
    : reader_(reader), was_secret_(reader.secret_) {
    reader_.path_.push(index);
}

Reader::Inside::~Inside() {
    reader_.path_.pop();
    reader_.secret_ = was_secret_;
}

bool Reader::too_deep(const Fragments& fragments) {
    if (path_.size() < deepest_path || fragments.empty()) return false;
    problem(fragments.back(),
            "more than " + std::to_string(deepest_path) + " lists and objects within each other");
    return true;
}

void Reader::problem(const Fragment& fragment, std::string what) {
    add(fragment.value->position, fragment.origin->base, std::move(what));
}

void Reader::problem_of_name(const Fragment& fragment, std::string what) {
    add(*fragment.name_position, fragment.origin->base, std::move(what));
}

void Reader::unknown(const Fragment& fragment, std::string_view kind, std::string_view name,
                     const std::vector<std::string>& known) {
    // Searching the nearest name is expensive, so that it is skipped when no text is kept.
    problem_of_name(fragment, problems_.full() ? "" : unknown_name(kind, name, known));
}

void Reader::missing(const Fragments& fragments, std::string_view name) {
    if (may_miss_ && path_.empty()) return;
    const Inside inside(*this, name);
    const std::string what = "is missing and has no default";
    if (fragments.empty()) {
        add(position_, section_, what);
    } else {
        problem(fragments.back(), what);
    }
}

void Reader::mismatch(const Fragment& fragment, const std::string& expected) {
    if (fragment.failed() && fragment.rest.empty()) return;
    std::string what;
    if (!fragment.rest.empty()) {
        what = "an object with " + Path(fragment.rest.substr(0, longest_step)).text();
    } else {
        what = secret_ ? found_secret(*fragment.value) : found(*fragment.value);
    }
    problem(fragment, "expected " + expected + ", found " + what);
}

void Reader::report_twins(const Fragments& fragments) {
    for (std::size_t i = 1; i < fragments.size(); ++i) {
        if (fragments[i].origin->order != fragments[i - 1].origin->order) continue;
        const Position& first = *fragments[i - 1].name_position;
        problem_of_name(fragments[i], "is given twice in this file, first at line " +
                                          std::to_string(first.line) + ", column " +
                                          std::to_string(first.column));
    }
}

void Reader::add(const Position& position, const Path& base, std::string what) {
    ++count_;
    if (problems_.full()) {
        problems_.leave_out();
    } else {
        problems_.add(position, base / path_, std::move(what));
    }
}

}  // namespace weir::config
