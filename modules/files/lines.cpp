#include "modules/files/lines.h"

#include <algorithm>

#include "modules/system/call/parse_value.h"

namespace weir::files {

config::Value json_of_line(const std::string& line) {
    return parse_value(line).value_or(config::Value(line));
}

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
    const std::size_t kept = longest_ + 1;  // a "\r" may be part of the end
    if (bytes_.size() - begin_ > kept) {
        dropped_ += bytes_.size() - begin_ - kept;
        bytes_.resize(begin_ + kept);
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
    const bool has_return = end != 0 && length != 0 && bytes_[begin_ + length - 1] == '\r';
    const std::size_t text = has_return ? length - 1 : length;
    Line line;
    line.text = bytes_.substr(begin_, std::min(text, longest_));
    line.cut = dropped_ != 0 || text > longest_;
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
