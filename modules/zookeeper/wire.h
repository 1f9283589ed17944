#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace weir::zookeeper {

// The wire format of ZooKeeper, as its documentation of "jute" and of the protocol describes it:
// integers of 4 and 8 bytes, big-endian; a boolean is a byte; texts, buffers and vectors begin with
// their length, of which -1 means null. A message is a frame: a length of 4 bytes, and so many
// bytes.
//
// A record is a struct that lists its fields once, in their order on the wire; from that come
// writing and reading. records.h has them.

// Thrown for bytes that are no message of the protocol.
class WireError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class WireWriter;
class WireReader;

template <class T>
concept Record = requires(T& record, WireReader& wire) { T::fields(record, wire); };

// Writes values behind each other.
class WireWriter {
public:
    // Begins a frame, whose length take_frame() fills in.
    WireWriter() : bytes_(4, '\0') {}

    template <class... T>
    void operator()(const T&... values) {
        (write(values), ...);
    }
    // Appends bytes that are encoded already.
    void append(std::string_view bytes) { bytes_ += bytes; }

    // Returns the frame. The writer is then empty, and of no use.
    std::string take_frame();

private:
    void write(bool value) { bytes_.push_back(value ? '\1' : '\0'); }
    void write(std::int32_t value) { write_integer(static_cast<std::uint32_t>(value), 4); }
    void write(std::int64_t value) { write_integer(static_cast<std::uint64_t>(value), 8); }
    void write(const std::string& value);
    template <class E>
        requires std::is_enum_v<E>
    void write(E value) {
        write(static_cast<std::int32_t>(value));
    }
    template <Record R>
    void write(const R& record) {
        R::fields(record, *this);
    }
    template <class T>
    void write(const std::vector<T>& values) {
        write(static_cast<std::int32_t>(values.size()));
        for (const T& value : values) {
            write(value);
        }
    }
    void write_integer(std::uint64_t value, int size);

    std::string bytes_;
};

// Reads values from bytes that outlive it. Throws WireError where they end too early, or contain a
// length that they cannot have; it allocates no more than they are long.
class WireReader {
public:
    explicit WireReader(std::string_view bytes) noexcept : left_(bytes) {}

    template <class... T>
    void operator()(T&... values) {
        (read(values), ...);
    }
    template <class T>
    T take() {
        T value{};
        read(value);
        return value;
    }

    // The bytes that are not read yet.
    std::string_view left() const noexcept { return left_; }
    // Throws WireError if there are any.
    void require_end() const;

private:
    void read(bool& value);
    void read(std::int32_t& value) {
        value = static_cast<std::int32_t>(static_cast<std::uint32_t>(read_integer(4)));
    }
    void read(std::int64_t& value) { value = static_cast<std::int64_t>(read_integer(8)); }
    // null is read as an empty text.
    void read(std::string& value);
    template <class E>
        requires std::is_enum_v<E>
    void read(E& value) {
        value = static_cast<E>(take<std::int32_t>());
    }
    template <Record R>
    void read(R& record) {
        R::fields(record, *this);
    }
    // null is read as an empty vector.
    template <class T>
    void read(std::vector<T>& values) {
        static_assert(Record<T> || std::same_as<T, std::string>, "takes 4 bytes at least");
        const std::size_t count = read_length();
        if (count > left_.size() / 4) {
            throw WireError("a vector of " + std::to_string(count) + " elements in " +
                            std::to_string(left_.size()) + " bytes");
        }
        values.clear();
        values.reserve(count);
        for (std::size_t i = 0; i != count; ++i) {
            values.push_back(take<T>());
        }
    }
    std::uint64_t read_integer(std::size_t size);
    std::size_t read_length();
    std::string_view read_bytes(std::size_t count);

    std::string_view left_;
};

// Returns the frame of one or more values.
template <class... T>
std::string frame_of(const T&... values) {
    WireWriter writer;
    writer(values...);
    return writer.take_frame();
}

// Returns the length that the first 4 bytes of a frame tell. Requires 4 bytes. Throws WireError if
// the length is negative, or more than `most`.
std::size_t frame_length(std::string_view head, std::size_t most);

}  // namespace weir::zookeeper
