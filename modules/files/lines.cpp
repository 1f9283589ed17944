#include "modules/files/lines.h"

#include <algorithm>

namespace weir::files {

void Lines::add(std::string_view bytes) {
    bytes_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
    bytes_ += bytes;
}

std::optional<Lines::Line> Lines::next() {
    const std::size_t end = bytes_.find('\n', searched_);
    if (end != std::string::npos) {
        return made(end - begin_, 1);
    }
    if (bytes_.size() - begin_ > longest_) {
        dropped_ += bytes_.size() - begin_ - longest_;
        bytes_.resize(begin_ + longest_);
    }
    searched_ = bytes_.size();
    return std::nullopt;
}

std::optional<Lines::Line> Lines::rest() {
    if (begin_ == bytes_.size()) {
        return std::nullopt;
    }
    return made(bytes_.size() - begin_, 0);
}

// A line of `length` bytes, with `end` more that end it.
Lines::Line Lines::made(std::size_t length, std::size_t end) {
    Line line;
    line.text = bytes_.substr(begin_, std::min(length, longest_));
    line.cut = dropped_ != 0 || length > longest_;
    line.bytes = dropped_ + length + end;
    begin_ = searched_ = begin_ + length + end;
    dropped_ = 0;
    return line;
}

void Lines::clear() noexcept {
    bytes_.clear();
    begin_ = searched_ = 0;
    dropped_ = 0;
}

}  // namespace weir::files
