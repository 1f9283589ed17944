#include "modules/resp/writer.h"

#include <charconv>

namespace weir::resp {

void ReplyWriter::simple(std::string_view text) {
    if (silent_) {
        return;
    }
    bytes_ += '+';
    line(text);
}

void ReplyWriter::error(std::string_view code, std::string_view message) {
    if (silent_) {
        return;
    }
    bytes_ += '-';
    bytes_ += code;
    bytes_ += ' ';
    line(message.substr(0, 1000));
}

void ReplyWriter::integer(std::int64_t value) {
    head(':', value);
}

void ReplyWriter::bulk(std::string_view bytes) {
    if (silent_) {
        return;
    }
    head('$', static_cast<std::int64_t>(bytes.size()));
    bytes_ += bytes;
    bytes_ += "\r\n";
}

void ReplyWriter::nil() {
    if (!silent_) {
        bytes_ += version_ == 2 ? "$-1\r\n" : "_\r\n";
    }
}

void ReplyWriter::array(std::size_t size) {
    head('*', static_cast<std::int64_t>(size));
}

void ReplyWriter::map(std::size_t size) {
    if (version_ == 2) {
        array(2 * size);
    } else {
        head('%', static_cast<std::int64_t>(size));
    }
}

void ReplyWriter::push(std::size_t size) {
    head(version_ == 2 ? '*' : '>', static_cast<std::int64_t>(size));
}

void ReplyWriter::head(char type, std::int64_t value) {
    if (silent_) {
        return;
    }
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    bytes_ += type;
    bytes_.append(digits, end);
    bytes_ += "\r\n";
}

void ReplyWriter::line(std::string_view text) {
    for (const char c : text) {
        bytes_ += c == '\r' || c == '\n' ? ' ' : c;
    }
    bytes_ += "\r\n";
}

}  // namespace weir::resp
