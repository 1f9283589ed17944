#include "modules/zookeeper/wire.h"

#include <cassert>
#include <utility>

namespace weir::zookeeper {

// --- writing

void WireWriter::write_integer(std::uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
        bytes_.push_back(static_cast<char>(value >> shift));
    }
}

void WireWriter::write(const std::string& value) {
    write(static_cast<std::int32_t>(value.size()));
    bytes_ += value;
}

std::string WireWriter::take_frame() {
    const std::size_t length = bytes_.size() - 4;
    for (std::size_t i = 0; i != 4; ++i) {
        bytes_[i] = static_cast<char>(length >> (8 * (3 - i)));
    }
    return std::move(bytes_);
}

// --- reading

std::string_view WireReader::read_bytes(std::size_t count) {
    if (count > left_.size()) {
        throw WireError("a value of " + std::to_string(count) + " bytes, of which there are " +
                        std::to_string(left_.size()));
    }
    const std::string_view bytes = left_.substr(0, count);
    left_.remove_prefix(count);
    return bytes;
}

std::uint64_t WireReader::read_integer(std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : read_bytes(size)) {
        value = value << 8U | static_cast<unsigned char>(byte);
    }
    return value;
}

// Returns 0 for null.
std::size_t WireReader::read_length() {
    const auto length = take<std::int32_t>();
    if (length < -1) {
        throw WireError("a value of " + std::to_string(length) + " bytes");
    }
    return length == -1 ? 0 : static_cast<std::size_t>(length);
}

void WireReader::read(bool& value) {
    value = read_bytes(1).front() != '\0';
}

void WireReader::read(std::string& value) {
    value = read_bytes(read_length());
}

void WireReader::require_end() const {
    if (!left_.empty()) {
        throw WireError(std::to_string(left_.size()) + " bytes behind the end of a message");
    }
}

std::size_t frame_length(std::string_view head, std::size_t most) {
    assert(head.size() == 4);
    const auto length = WireReader(head).take<std::int32_t>();
    if (length < 0 || static_cast<std::size_t>(length) > most) {
        throw WireError("a message of " + std::to_string(length) + " bytes, at most " +
                        std::to_string(most) + " are allowed");
    }
    return static_cast<std::size_t>(length);
}

}  // namespace weir::zookeeper
