#include "modules/resp/parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/text/quoted.h"
#include "modules/resp/inline_command.h"
#include "modules/resp/other_protocol.h"

namespace weir::resp {

using Status = RequestParser::Status;

namespace {

// Reads "<prefix><number>\r\n" from the front of the text, a number without sign or leading zeros
// of at most 6 digits. Returns nothing if the text is anything else, or not whole.
std::optional<std::size_t> read_short_number(std::string_view& text, char prefix) noexcept {
    constexpr std::size_t most_digits = 6;
    if (text.empty() || text.front() != prefix) {
        return {};
    }
    std::size_t value = 0;
    std::size_t at = 1;
    for (; at < text.size() && at <= most_digits; ++at) {
        const auto digit = static_cast<unsigned char>(text[at] - '0');
        if (digit > 9) {
            break;
        }
        value = value * 10 + digit;
    }
    const bool leading_zero = at > 2 && text[1] == '0';
    if (at == 1 || leading_zero || text.size() < at + 2 || text[at] != '\r' ||
        text[at + 1] != '\n') {
        return {};
    }
    text.remove_prefix(at + 2);
    return value;
}

}  // namespace

Status RequestParser::parse(std::string_view& input) {
    if (state_ == State::start && take_whole(input)) {
        return Status::complete;
    }
    Status status = state_ == State::broken ? Status::broken : Status::incomplete;
    while (status == Status::incomplete && !input.empty()) {
        status = step(input);
    }
    if (state_ == State::broken) {
        input = {};
    }
    return status;
}

// Nearly all requests are arrays that have arrived as a whole, within the limits: these are read
// line by line. Returns false, and has taken nothing, if the request is anything else; the steps
// below read it then, and say what is wrong.
bool RequestParser::take_whole(std::string_view& input) {
    std::string_view rest = input;
    const std::optional<std::size_t> arguments = read_short_number(rest, '*');
    if (!arguments || *arguments == 0 || *arguments > limits_.arguments) {
        return false;
    }
    request_.clear();
    for (std::size_t i = 0; i != *arguments; ++i) {
        const std::optional<std::size_t> length = read_short_number(rest, '$');
        if (!length || *length > limits_.argument_bytes ||
            *length + request_.bytes() > limits_.request_bytes || rest.size() < *length + 2 ||
            rest[*length] != '\r' || rest[*length + 1] != '\n') {
            return false;
        }
        request_.append(rest.substr(0, *length));
        request_.end_argument();
        rest.remove_prefix(*length + 2);
    }
    input = rest;
    return true;
}

Status RequestParser::step(std::string_view& input) {
    switch (state_) {
        case State::start:
            request_.clear();
            reason_.clear();
            refusing_ = false;
            number_ = {};
            state_ = input.front() == '*' ? State::count : State::line;
            if (state_ == State::count) {
                input.remove_prefix(1);
            }
            return Status::incomplete;
        case State::line:
            return take_line(input);
        case State::count:
        case State::length:
            return take_number(input);
        case State::dollar:
            if (input.front() != '$') {
                return break_off("expected '$', got '" + config::printable(input.substr(0, 1)) +
                                 "'");
            }
            input.remove_prefix(1);
            number_ = {};
            state_ = State::length;
            return Status::incomplete;
        case State::argument:
            take_argument(input);
            return Status::incomplete;
        case State::argument_end:
            return take_argument_end(input);
        case State::broken:
            break;
    }
    return Status::broken;
}

Status RequestParser::take_line(std::string_view& input) {
    const std::size_t end = input.find('\n');
    const std::string_view piece = input.substr(0, end);
    if (piece.size() > limits_.line_bytes - std::min(line_.size(), limits_.line_bytes)) {
        return break_off("too big inline request");
    }
    if (end == std::string_view::npos) {
        line_.append(piece);
        input = {};
        return Status::incomplete;
    }
    input.remove_prefix(end + 1);
    std::string_view line = piece;
    if (!line_.empty()) {
        line_.append(piece);
        line = line_;
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (const std::string_view other = other_protocol(line); !other.empty()) {
        break_off();
        reason_ = other;
        return Status::other_protocol;
    }
    if (!split_inline(line, request_)) {
        refuse("Protocol error: unbalanced quotes in request");
    } else if (request_.size() > limits_.arguments) {
        refuse("too many arguments: " + std::to_string(request_.size()) + ", at most " +
               std::to_string(limits_.arguments) + " are allowed");
    } else {
        for (std::size_t i = 0; i != request_.size(); ++i) {
            if (request_[i].size() > limits_.argument_bytes) {
                refuse_argument(request_[i].size());
                break;
            }
        }
    }
    line_ = {};
    return end_request();
}

Status RequestParser::take_number(std::string_view& input) {
    while (!input.empty()) {
        const Number::Step step = number_.take(input.front());
        if (step == Number::Step::wrong) {
            return break_off(state_ == State::count ? "invalid multibulk length"
                                                    : "invalid bulk length");
        }
        input.remove_prefix(1);
        if (step == Number::Step::done) {
            return state_ == State::count ? begin_array() : begin_argument();
        }
    }
    return Status::incomplete;
}

Status RequestParser::begin_array() {
    if (number_.value > most_arguments) {
        return break_off("invalid multibulk length");
    }
    if (number_.value <= 0) {
        state_ = State::start;
        return Status::incomplete;
    }
    arguments_left_ = number_.value;
    if (static_cast<std::size_t>(arguments_left_) > limits_.arguments) {
        refuse("too many arguments: " + std::to_string(arguments_left_) + ", at most " +
               std::to_string(limits_.arguments) + " are allowed");
    }
    state_ = State::dollar;
    return Status::incomplete;
}

Status RequestParser::begin_argument() {
    if (number_.value < 0 || number_.value > longest_argument) {
        return break_off("invalid bulk length");
    }
    bytes_left_ = static_cast<std::size_t>(number_.value);
    if (bytes_left_ > limits_.argument_bytes) {
        refuse_argument(bytes_left_);
    } else if (bytes_left_ + request_.bytes() > limits_.request_bytes) {
        refuse("a request of more than " + std::to_string(limits_.request_bytes) + " bytes");
    }
    state_ = State::argument;
    if (bytes_left_ == 0) {
        bytes_left_ = 2;
        state_ = State::argument_end;
    }
    return Status::incomplete;
}

void RequestParser::take_argument(std::string_view& input) {
    const std::string_view piece = input.substr(0, bytes_left_);
    if (!refusing_) {
        request_.append(piece);
    }
    input.remove_prefix(piece.size());
    bytes_left_ -= piece.size();
    if (bytes_left_ == 0) {
        bytes_left_ = 2;
        state_ = State::argument_end;
    }
}

Status RequestParser::take_argument_end(std::string_view& input) {
    const char expected = bytes_left_ == 2 ? '\r' : '\n';
    if (input.front() != expected) {
        return break_off("an argument is longer than its length says");
    }
    input.remove_prefix(1);
    if (--bytes_left_ != 0) {
        return Status::incomplete;
    }
    if (!refusing_) {
        request_.end_argument();
    }
    if (--arguments_left_ != 0) {
        state_ = State::dollar;
        return Status::incomplete;
    }
    return end_request();
}

Status RequestParser::end_request() {
    state_ = State::start;
    if (refusing_) {
        return Status::refused;
    }
    return request_.empty() ? Status::incomplete : Status::complete;
}

void RequestParser::refuse(std::string reason) {
    if (!refusing_) {
        refusing_ = true;
        reason_ = std::move(reason);
        request_ = {};
    }
}

void RequestParser::refuse_argument(std::size_t bytes) {
    refuse("an argument of " + std::to_string(bytes) + " bytes, at most " +
           std::to_string(limits_.argument_bytes) + " are allowed");
}

Status RequestParser::break_off(std::string reason) {
    break_off();
    reason_ = "Protocol error: " + std::move(reason);
    return Status::broken;
}

void RequestParser::break_off() {
    state_ = State::broken;
    request_ = {};
    line_ = {};
}

RequestParser::Number::Step RequestParser::Number::take(char c) noexcept {
    if (ending) {
        return c == '\n' ? Step::done : Step::wrong;
    }
    if (c == '\r' && digits > 0) {
        ending = true;
        return Step::more;
    }
    if (c == '-' && digits == 0 && !negative) {
        negative = true;
        return Step::more;
    }
    // No leading zeros, and no more digits than any number that is meant.
    const bool leading_zero = digits > 0 && value == 0;
    if (c < '0' || c > '9' || leading_zero || (c == '0' && negative && digits == 0) ||
        ++digits > 10) {
        return Step::wrong;
    }
    value = value * 10 + (negative ? '0' - c : c - '0');
    return Step::more;
}

}  // namespace weir::resp
