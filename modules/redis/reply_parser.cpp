#include "modules/redis/reply_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include "config/text/quoted.h"

namespace weir::redis {
namespace {

// A line that is longer is no head of an element, and no error or status that a server writes.
constexpr std::size_t longest_line = 64 * 1024;
// A list reserves memory for so many elements at most, whatever it announces.
constexpr std::size_t most_reserved = 1024;

[[noreturn]] void refuse_line(std::string_view line) {
    throw ReplyError("this is no reply of the Redis protocol: '" +
                     config::printable(line.substr(0, 40)) + "'");
}

std::int64_t to_integer(std::string_view text) {
    std::int64_t value = 0;
    const char* const begin = text.starts_with('+') ? text.data() + 1 : text.data();
    const auto [end, wrong] = std::from_chars(begin, text.data() + text.size(), value);
    if (wrong != std::errc() || end != text.data() + text.size()) {
        refuse_line(text);
    }
    return value;
}

// Returns nothing for -1, which stands for nil in version 2.
std::optional<std::size_t> to_length(std::string_view text) {
    const std::int64_t value = to_integer(text);
    if (value < -1) {
        refuse_line(text);
    }
    return value < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(value));
}

// Also "inf", "-inf" and "nan".
double to_number(std::string_view text) {
    double value = 0;
    const char* const begin = text.starts_with('+') ? text.data() + 1 : text.data();
    const auto [end, wrong] = std::from_chars(begin, text.data() + text.size(), value);
    if (wrong == std::errc::result_out_of_range) {
        return text.starts_with('-') ? -std::numeric_limits<double>::infinity()
                                     : std::numeric_limits<double>::infinity();
    }
    if (wrong != std::errc() || end != text.data() + text.size()) {
        refuse_line(text);
    }
    return value;
}

}  // namespace

std::optional<Reply> ReplyParser::read(std::string_view& bytes) {
    for (;;) {
        std::optional<Reply> element;
        if (text_) {
            if (!read_text(bytes)) {
                return std::nullopt;
            }
            element = std::exchange(text_, std::nullopt);
        } else {
            if (!read_line(bytes)) {
                return std::nullopt;
            }
            element = take_line();
        }
        if (element) {
            if (std::optional<Reply> whole = put(std::move(*element))) {
                used_ = 0;
                return whole;
            }
        }
    }
}

// Moves bytes to line_. Returns whether it is complete; it then has no "\r\n" any more.
bool ReplyParser::read_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const std::size_t count = end == std::string_view::npos ? bytes.size() : end + 1;
    if (line_.size() + count > longest_line) {
        throw ReplyError("a line of a reply is longer than " + std::to_string(longest_line) +
                         " bytes");
    }
    line_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (end == std::string_view::npos) {
        return false;
    }
    if (!line_.ends_with("\r\n")) {
        refuse_line(line_);
    }
    line_.resize(line_.size() - 2);
    return true;
}

// Moves bytes to text_. Returns whether it is complete.
bool ReplyParser::read_text(std::string_view& bytes) {
    if (text_left_ > 2) {
        const std::size_t count = std::min(text_left_ - 2, bytes.size());
        text_->text += bytes.substr(0, count);
        bytes.remove_prefix(count);
        text_left_ -= count;
    }
    while (text_left_ <= 2 && text_left_ != 0 && !bytes.empty()) {
        if (bytes.front() != (text_left_ == 2 ? '\r' : '\n')) {
            throw ReplyError("a text of a reply does not end where its length says");
        }
        bytes.remove_prefix(1);
        --text_left_;
    }
    if (text_left_ != 0) {
        return false;
    }
    if (is_verbatim_ && text_->text.size() >= 4 && text_->text[3] == ':') {
        text_->text.erase(0, 4);
    }
    return true;
}

// Returns the element that the line is; nothing if it is the head of one.
std::optional<Reply> ReplyParser::take_line() {
    const std::string line = std::exchange(line_, {});
    if (line.empty()) {
        refuse_line(line);
    }
    const std::string_view rest = std::string_view(line).substr(1);
    using Type = Reply::Type;
    use(sizeof(Reply) + rest.size());
    switch (line.front()) {
        case '+':
            return Reply{.type = Type::status, .text = std::string(rest)};
        case '-':
            return Reply{.type = Type::error, .text = std::string(rest)};
        case ':':
            return Reply{.type = Type::integer, .integer = to_integer(rest)};
        case '_':
            return Reply{};
        case '#':
            if (rest != "t" && rest != "f") {
                refuse_line(line);
            }
            return Reply{.type = Type::boolean, .integer = rest == "t" ? 1 : 0};
        case ',':
            return Reply{.type = Type::number, .number = to_number(rest)};
        case '(':  // an integer of any size
            return Reply{.type = Type::text, .text = std::string(rest)};
        case '$':
        case '=':
            is_verbatim_ = line.front() == '=';
            return begin_text(rest, Type::text);
        case '!':
            is_verbatim_ = false;
            return begin_text(rest, Type::error);
        case '*':
        case '~':
            return begin_list(rest, Type::list, 1);
        case '%':
            return begin_list(rest, Type::map, 2);
        case '|':
            return begin_list(rest, Type::map, 2, true);
        case '>':
            if (!open_.empty()) {
                refuse_line(line);
            }
            return begin_list(rest, Type::push, 1);
        default:
            refuse_line(line);
    }
}

std::optional<Reply> ReplyParser::begin_text(std::string_view length, Reply::Type type) {
    const std::optional<std::size_t> size = to_length(length);
    if (!size) {
        return Reply{};
    }
    use(*size);
    text_ = Reply{.type = type};
    text_left_ = *size + 2;
    return std::nullopt;
}

std::optional<Reply> ReplyParser::begin_list(std::string_view count, Reply::Type type,
                                             std::size_t each, bool is_attribute) {
    const std::optional<std::size_t> size = to_length(count);
    if (!size) {
        return Reply{};
    }
    if (*size > limits_.max_size / sizeof(Reply)) {
        use(limits_.max_size + 1);
    }
    Reply made{.type = type};
    if (*size == 0) {
        return is_attribute ? std::nullopt : std::optional(std::move(made));
    }
    if (open_.size() == limits_.max_depth) {
        throw ReplyError("a reply has lists within each other more than " +
                         std::to_string(limits_.max_depth) + " deep");
    }
    made.items.reserve(std::min(*size * each, most_reserved));
    open_.push_back({std::move(made), *size * each, is_attribute});
    return std::nullopt;
}

// Adds an element to the list that it is in. Returns the whole reply if this was its end.
std::optional<Reply> ReplyParser::put(Reply reply) {
    while (!open_.empty()) {
        Open& innermost = open_.back();
        innermost.reply.items.push_back(std::move(reply));
        if (--innermost.left != 0) {
            return std::nullopt;
        }
        const bool is_attribute = innermost.is_attribute;
        reply = std::move(innermost.reply);
        open_.pop_back();
        if (is_attribute) {
            return std::nullopt;  // what it is about comes next, in its place
        }
    }
    return reply;
}

void ReplyParser::use(std::size_t size) {
    if (size > limits_.max_size - used_) {
        throw ReplyError("a reply is larger than " + std::to_string(limits_.max_size) + " bytes");
    }
    used_ += size;
}

}  // namespace weir::redis
