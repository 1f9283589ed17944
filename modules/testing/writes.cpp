#include "modules/testing/writes.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "modules/testing/kills.h"

namespace weir {

namespace {

constinit thread_local WriteFailure* failing = nullptr;

}  // namespace

WriteFailure::WriteFailure(std::uint64_t nth, int error) noexcept : nth_(nth), error_(error) {
    failing = this;
}

WriteFailure::~WriteFailure() {
    failing = nullptr;
}

bool WriteFailure::strikes(int descriptor) noexcept {
    if (failing == nullptr || descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO ||
        failing->happened_ || ++failing->seen_ != failing->nth_) {
        return false;
    }
    failing->happened_ = true;
    errno = failing->error_;
    return true;
}

namespace {

// Returns the function of that name in the C library.
template <class F>
F* real(const char* name) noexcept {
    return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

// Returns where the next write() of the descriptor goes.
std::int64_t position_of(int descriptor) noexcept {
    struct stat status {};
    const bool appends = (fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
    return appends && fstat(descriptor, &status) == 0 ? status.st_size
                                                      : lseek(descriptor, 0, SEEK_CUR);
}

}  // namespace

}  // namespace weir

// A program's definitions replace those of all its libraries. The original is looked up at the
// first call.
extern "C" {

ssize_t write(int descriptor, const void* bytes, std::size_t count) {
    static auto* const real = weir::real<decltype(write)>("write");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    if (weir::KillAtWrite::is_armed()) {
        weir::KillAtWrite::at_write(descriptor, {static_cast<const char*>(bytes), count},
                                    weir::position_of(descriptor));
    }
    return real(descriptor, bytes, count);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t offset) {
    static auto* const real = weir::real<decltype(pwrite)>("pwrite");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    weir::KillAtWrite::at_write(descriptor, {static_cast<const char*>(bytes), count}, offset);
    return real(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t count, off64_t offset) {
    static auto* const real = weir::real<decltype(pwrite64)>("pwrite64");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    weir::KillAtWrite::at_write(descriptor, {static_cast<const char*>(bytes), count}, offset);
    return real(descriptor, bytes, count, offset);
}
ssize_t writev(int descriptor, const iovec* parts, int count) {
    static auto* const real = weir::real<decltype(writev)>("writev");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    if (weir::KillAtWrite::is_armed()) {
        std::string bytes;
        for (int i = 0; i != count; ++i) {
            bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        }
        weir::KillAtWrite::at_write(descriptor, bytes, weir::position_of(descriptor));
    }
    return real(descriptor, parts, count);
}
int fsync(int descriptor) {
    static auto* const real = weir::real<decltype(fsync)>("fsync");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    weir::KillAtWrite::at_sync(descriptor);
    return real(descriptor);
}
int fdatasync(int descriptor) {
    static auto* const real = weir::real<decltype(fdatasync)>("fdatasync");
    if (weir::WriteFailure::strikes(descriptor)) {
        return -1;
    }
    weir::KillAtWrite::at_sync(descriptor);
    return real(descriptor);
}
int ftruncate(int descriptor, off_t size) noexcept {
    static auto* const real = weir::real<int(int, off_t)>("ftruncate");
    weir::KillAtWrite::at_truncation(descriptor, size);
    return real(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
    static auto* const real = weir::real<int(int, off64_t)>("ftruncate64");
    weir::KillAtWrite::at_truncation(descriptor, size);
    return real(descriptor, size);
}
int rename(const char* from, const char* to) noexcept {
    static auto* const real = weir::real<int(const char*, const char*)>("rename");
    if (weir::WriteFailure::strikes(-1)) {
        return -1;
    }
    weir::KillAtWrite::at_change_of_names();
    return real(from, to);
}
int unlink(const char* name) noexcept {
    static auto* const real = weir::real<int(const char*)>("unlink");
    weir::KillAtWrite::at_change_of_names();
    return real(name);
}

}  // extern "C"
