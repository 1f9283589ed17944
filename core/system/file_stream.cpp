#include "core/system/file_stream.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "core/base/ref.h"
#include "core/run/container.h"
#include "core/run/poller.h"
#include "core/run/scheduler.h"
#include "core/run/system_error.h"
#include "core/system/file_descriptor.h"
#include "core/wait/task_pool.h"

namespace weir {
namespace {

// What is read at once: a larger piece would not be faster, but hold a thread for longer.
constexpr std::size_t largest_read = 256 * 1024;

class FileStream;

// The open file, with the operation that runs on another thread. Shared by the stream and that
// operation, which the stream may not outlive: a write that has begun ends, and what the stream has
// left behind is written after it.
class OpenFile final : public RefCounted<OpenFile>, private Poller::Work {
public:
    OpenFile(Poller& poller, FileDescriptor file) noexcept
        : poller_(poller), file_(std::move(file)) {}

    void set_stream(FileStream* stream) noexcept { stream_ = stream; }
    bool busy() const noexcept { return busy_; }

    void read(std::size_t size) {
        bytes_.resize(size);
        writes_ = false;
        start();
    }
    void write(std::vector<std::string> chunks) {
        chunks_ = std::move(chunks);
        writes_ = true;
        start();
    }
    // The stream is destroyed. `rest`: what it has not written.
    void leave(std::vector<std::string> rest) noexcept {
        stream_ = nullptr;
        rest_ = std::move(rest);
        if (!busy_) {
            write_rest();
        }
    }

    // --- of the last operation

    std::string& bytes() noexcept { return bytes_; }
    std::size_t written() const noexcept { return written_; }
    int error() const noexcept { return error_; }  // errno; 0: none

private:
    void start() {
        busy_ = true;
        error_ = 0;
        written_ = 0;
        self_ = Ref<OpenFile>(this);
        try {
            poller_.start_work(*this);
        } catch (...) {
            busy_ = false;
            self_.reset();
            throw;
        }
    }

    // On the other thread.
    void run() noexcept override {
        if (writes_) {
            for (const std::string& chunk : chunks_) {
                if (!write_all(chunk)) {
                    return;
                }
            }
            return;
        }
        ssize_t count = 0;
        do {
            count = ::read(file_.number(), bytes_.data(), bytes_.size());
        } while (count < 0 && errno == EINTR);
        error_ = count < 0 ? errno : 0;
        bytes_.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }

    bool write_all(std::string_view bytes) noexcept {
        while (!bytes.empty()) {
            const ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
            if (count >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(count));
                written_ += static_cast<std::size_t>(count);
            } else if (errno != EINTR) {
                error_ = errno;
                return false;
            }
        }
        return true;
    }

    void done(bool cancelled) noexcept override;

    // There may be no scheduler any more, and no memory: then this thread writes.
    void write_rest() noexcept {
        if (rest_.empty() || error_ != 0) {
            return;
        }
        std::vector<std::string> rest = std::exchange(rest_, {});
        try {
            write(std::move(rest));
        } catch (...) {
            run();
        }
    }

    Poller& poller_;
    const FileDescriptor file_;
    FileStream* stream_ = nullptr;  // null: destroyed
    Ref<OpenFile> self_;            // while an operation runs
    bool busy_ = false;
    bool writes_ = false;
    std::string bytes_;
    std::vector<std::string> chunks_;
    std::vector<std::string> rest_;
    std::size_t written_ = 0;
    int error_ = 0;
};

class FileStream final : public ByteStream {
public:
    FileStream(Scheduler& scheduler, std::string path, FileAccess access, FileDescriptor file,
               const StreamOptions& options)
        : ByteStream(scheduler, options),
          path_(std::move(path)),
          reads_(access == FileAccess::read),
          file_(new OpenFile(scheduler.poller(), std::move(file))) {
        file_->set_stream(this);
        if (!reads_) {
            end_input(0);
        }
    }

    std::string peer() const override { return path_; }

    void start_reading() noexcept override {
        if (discarding_) {
            tell_end(0);
        }
        wants_input_ = true;
        read_on();
    }
    bool stopped() const noexcept override { return wants_input_ && input_full(); }

    void queue_output(std::string bytes) override {
        if (reads_) {
            fail_output(UV_EBADF);
        }
        if (output_error() != 0) {
            return;
        }
        pending_ += bytes.size();
        queued_.push_back(std::move(bytes));
        flush();
    }
    void flush() override {
        if (file_->busy() || queued_.empty() || output_error() != 0) {
            return;
        }
        try {
            file_->write(std::exchange(queued_, {}));
        } catch (const std::bad_alloc&) {
            fail_writing(UV_ENOMEM);
        }
    }
    void flush_later() noexcept override {
        if (observer() != nullptr) {
            observer()->flush_now();
        }
    }
    std::size_t pending() const noexcept override { return pending_; }
    void end_output() noexcept override { assert(pending_ == 0); }

    // The operation has ended.
    void operation_done() noexcept {
        try {
            if (reads_) {
                has_read();
            } else {
                has_written();
            }
        } catch (...) {
            scheduler().log_exception("the stream of " + path_ + " stands still");
        }
    }

private:
    ~FileStream() override = default;

    void has_read() {
        if (file_->error() != 0) {
            end_input(-file_->error());
        } else if (file_->bytes().empty()) {
            end_input(0);
        } else {
            read_bytes_ = file_->bytes();
            read_on();
        }
    }

    void has_written() {
        has_sent(file_->written());
        if (file_->error() != 0) {
            fail_writing(-file_->error());
            return;
        }
        pending_ -= file_->written();
        flush();
        if (pending_ == 0) {
            signal(SocketEvent::Type::writable);
        }
    }

    void fail_writing(int error) {
        queued_.clear();
        pending_ = 0;
        fail_output(error);
    }

    // Gives the user what was read, as far as there is room, and reads the next piece if all is
    // given.
    void read_on() noexcept {
        while (!read_bytes_.empty()) {
            const std::span<char> there = room();
            const std::size_t count = std::min(there.size(), read_bytes_.size());
            if (count == 0) {
                if (!input_full()) {
                    tell_end(UV_ENOMEM);
                }
                return;
            }
            std::memcpy(there.data(), read_bytes_.data(), count);
            read_bytes_.remove_prefix(count);
            receive(count);
        }
        if (wants_input_ && !file_->busy() && !peer_is_over() && !input_full()) {
            try {
                file_->read(std::min(options().buffer_size, largest_read));
            } catch (...) {
                tell_end(UV_ENOMEM);
            }
        }
    }

    void receive(std::size_t count) noexcept {
        try {
            has_received(count);
        } catch (...) {
            scheduler().log_exception("the stream of " + path_ + " stands still");
        }
    }
    void tell_end(int error) noexcept {
        try {
            end_input(error);
        } catch (...) {
            scheduler().log_exception("the stream of " + path_ + " stands still");
        }
    }

    void room_made() noexcept override {
        if (wants_input_) {
            read_on();
        }
    }

    void close_stream(bool reset) noexcept override {
        file_->leave(reset ? std::vector<std::string>() : std::move(queued_));
        delete this;
    }

    const std::string path_;
    const bool reads_;
    const Ref<OpenFile> file_;
    bool wants_input_ = false;
    std::string_view read_bytes_;  // of the file's, which the user has not got yet
    std::vector<std::string> queued_;
    std::size_t pending_ = 0;  // bytes that are queued, or being written
};

void OpenFile::done(bool cancelled) noexcept {
    if (cancelled && writes_) {
        run();  // the program ends: what was written is not lost
    }
    const Ref<OpenFile> keep = std::move(self_);
    busy_ = false;
    if (stream_ != nullptr) {
        stream_->operation_done();
    } else {
        write_rest();
    }
}

int access_flags(FileAccess access) noexcept {
    switch (access) {
        case FileAccess::read:
            return O_RDONLY;
        case FileAccess::create:
            return O_WRONLY | O_CREAT | O_EXCL;
        case FileAccess::replace:
            return O_WRONLY | O_CREAT | O_TRUNC;
        case FileAccess::append:
            return O_WRONLY | O_CREAT | O_APPEND;
    }
    return O_RDONLY;
}

// On the other thread.
FileDescriptor open_for(const std::string& path, FileAccess access, unsigned mode) {
    for (;;) {
        FileDescriptor file(::open(path.c_str(), access_flags(access) | O_CLOEXEC, mode));
        if (file) {
            return file;
        }
        if (errno != EINTR) {
            throw SystemError("opening " + path, -errno);
        }
    }
}

}  // namespace

Task<ByteStream::Owner> open_file_stream(std::string path, FileAccess access, unsigned mode,
                                         StreamOptions options) {
    Scheduler& scheduler = (co_await this_routine()).scheduler();
    TaskPool pool(scheduler, 1);
    auto opening = [path, access, mode] { return open_for(path, access, mode); };
    FileDescriptor file = co_await pool.run(std::move(opening));
    co_return ByteStream::Owner(
        new FileStream(scheduler, std::move(path), access, std::move(file), options));
}

}  // namespace weir
