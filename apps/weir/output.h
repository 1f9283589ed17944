#pragma once

#include <array>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>

namespace weir::app {

// Something could not be written; what() says what, and why.
class OutputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Writes the text to standard output before it returns. Throws OutputError if not all of it could
// be written, so that no command succeeds whose output is lost.
void print(std::string_view text);

// Returns what people read after "cannot ...": the reason that an error number stands for.
std::string reason(int error_number);

// A file that a command writes, as a stream. Every write is checked, and close() returns whether
// all succeeded; a file that is not closed is incomplete.
class OutputFile {
public:
    // Creates the file, or empties it; "-" is standard output. Throws OutputError.
    explicit OutputFile(std::string path);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    std::ostream& stream() noexcept { return stream_; }
    // Writes what is left. Throws OutputError with the reason of the first write that failed.
    void close();

    // Throws OutputError if the file cannot be opened for writing. Its content stays.
    static void require_writable(const std::string& path);

private:
    class Buffer final : public std::streambuf {
    public:
        Buffer() { setp(bytes_.data(), bytes_.data() + bytes_.size()); }
        int file = -1;
        int error = 0;  // of the first write that failed

    private:
        int sync() override;
        int_type overflow(int_type next) override;
        std::array<char, 65536> bytes_{};
    };

    const std::string path_;
    std::unique_ptr<Buffer> buffer_ = std::make_unique<Buffer>();
    std::ostream stream_{buffer_.get()};
};

}  // namespace weir::app
