#include "modules/testing/writes.h"

#include <cstdio>

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

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

}  // namespace

}  // namespace weir

// A program's definitions replace those of all its libraries. The original is looked up at the
// first call.
extern "C" {

ssize_t write(int descriptor, const void* bytes, std::size_t count) {
    static auto* const real = weir::real<decltype(write)>("write");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor, bytes, count);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t offset) {
    static auto* const real = weir::real<decltype(pwrite)>("pwrite");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t count, off64_t offset) {
    static auto* const real = weir::real<decltype(pwrite64)>("pwrite64");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor, bytes, count, offset);
}
ssize_t writev(int descriptor, const iovec* parts, int count) {
    static auto* const real = weir::real<decltype(writev)>("writev");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor, parts, count);
}
int fsync(int descriptor) {
    static auto* const real = weir::real<decltype(fsync)>("fsync");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor);
}
int fdatasync(int descriptor) {
    static auto* const real = weir::real<decltype(fdatasync)>("fdatasync");
    return weir::WriteFailure::strikes(descriptor) ? -1 : real(descriptor);
}
int rename(const char* from, const char* to) noexcept {
    static auto* const real = weir::real<int(const char*, const char*)>("rename");
    return weir::WriteFailure::strikes(-1) ? -1 : real(from, to);
}

}  // extern "C"
