#include "modules/resp/inline_command.h"

#include <cstddef>

namespace weir::resp {

namespace {

// As isspace() has it, whatever the locale.
bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The value of a hexadecimal digit, or -1.
int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

class Splitter {
public:
    Splitter(std::string_view line, Request& request) noexcept : line_(line), request_(request) {}

    bool split() {
        for (;;) {
            while (!at_end() && is_space(line_[at_])) ++at_;
            if (at_end()) return true;
            if (!argument()) return false;
            request_.end_argument();
        }
    }

private:
    bool at_end() const noexcept { return at_ == line_.size(); }

    bool argument() {
        while (!at_end() && !is_space(line_[at_])) {
            const char c = line_[at_++];
            if (c != '"' && c != '\'') {
                request_.append(c);
                continue;
            }
            const bool closed = c == '"' ? double_quoted() : single_quoted();
            // What follows a closing quote must be a space.
            return closed && (at_end() || is_space(line_[at_]));
        }
        return true;
    }

    // Both return whether the quote was closed.
    bool double_quoted() {
        while (!at_end()) {
            const char c = line_[at_++];
            if (c == '"') return true;
            if (c == '\\' && !at_end()) {
                escape();
            } else {
                request_.append(c);
            }
        }
        return false;
    }
    bool single_quoted() {
        while (!at_end()) {
            char c = line_[at_++];
            if (c == '\'') return true;
            if (c == '\\' && !at_end() && line_[at_] == '\'') c = line_[at_++];
            request_.append(c);
        }
        return false;
    }

    void escape() {
        const char c = line_[at_++];
        switch (c) {
            case 'n':
                return request_.append('\n');
            case 'r':
                return request_.append('\r');
            case 't':
                return request_.append('\t');
            case 'b':
                return request_.append('\b');
            case 'a':
                return request_.append('\a');
            case 'x':
                if (line_.size() - at_ >= 2) {
                    const int high = hex_digit(line_[at_]);
                    const int low = hex_digit(line_[at_ + 1]);
                    if (high >= 0 && low >= 0) {
                        at_ += 2;
                        return request_.append(static_cast<char>(high * 16 + low));
                    }
                }
                [[fallthrough]];
            default:
                request_.append(c);
        }
    }

    const std::string_view line_;
    Request& request_;
    std::size_t at_ = 0;
};

}  // namespace

bool split_inline(std::string_view line, Request& request) {
    return Splitter(line, request).split();
}

}  // namespace weir::resp
