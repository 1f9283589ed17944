#include "apps/weir/output.h"

#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace weir::app {

namespace {

// Returns 0, or the error number of the write that failed.
int write_all(int file, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            // Another program that has the same pipe or terminal may have made it non-blocking.
            pollfd writable{.fd = file, .events = POLLOUT, .revents = 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

[[noreturn]] void fail(const std::string& path, int error) {
    throw OutputError("cannot write " + (path == "-" ? "to standard output" : path) + ": " +
                      reason(error));
}

int opened(const std::string& path, int flags) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
    if (file < 0) {
        fail(path, errno);
    }
    return file;
}

}  // namespace

std::string reason(int error_number) {
    return std::generic_category().message(error_number);
}

void print(std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0) {
        fail("-", error);
    }
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
    buffer_->file = path_ == "-" ? STDOUT_FILENO : opened(path_, O_TRUNC);
}

OutputFile::~OutputFile() {
    if (buffer_->file != -1 && path_ != "-") {
        ::close(buffer_->file);
    }
}

void OutputFile::close() {
    assert(buffer_->file != -1);  // not closed before
    stream_.flush();
    const int file = std::exchange(buffer_->file, -1);
    // Some file systems report a full disk only when the file is closed.
    const int error = path_ != "-" && ::close(file) != 0 && errno != EINTR ? errno : 0;
    if (buffer_->error != 0 || error != 0) {
        fail(path_, buffer_->error != 0 ? buffer_->error : error);
    }
}

void OutputFile::require_writable(const std::string& path) {
    if (path != "-") {
        ::close(opened(path, 0));
    }
}

int OutputFile::Buffer::sync() {
    const std::string_view text(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    setp(bytes_.data(), bytes_.data() + bytes_.size());
    if (error == 0) {
        error = write_all(file, text);
    }
    return error == 0 ? 0 : -1;
}

OutputFile::Buffer::int_type OutputFile::Buffer::overflow(int_type next) {
    if (sync() != 0) {
        return traits_type::eof();
    }
    if (!traits_type::eq_int_type(next, traits_type::eof())) {
        sputc(traits_type::to_char_type(next));
    }
    return traits_type::not_eof(next);
}

}  // namespace weir::app
