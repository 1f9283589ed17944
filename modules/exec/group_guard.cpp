#include "modules/exec/group_guard.h"

#include <cerrno>
#include <string>

#include <unistd.h>

#include "core/run/system_error.h"

namespace weir::exec {

namespace {

// Kills what the members start in their last moment, too. A process that hangs in the kernel is not
// waited for longer.
constexpr const char* script =
    "read -r group || exit; read -r end; tries=0; "
    "while [ $tries -lt 200 ] && kill -s KILL -- -\"$group\"; do "
    "sleep 0.01; tries=$((tries + 1)); done 2>/dev/null";

}  // namespace

GroupGuard::GroupGuard(Scheduler& scheduler)
    : shell_(scheduler, {.command = {"/bin/sh", "-c", script, "weir-exec-guard"},
                         .folder = "/",
                         .input = StandardFile::piped,
                         .output = StandardFile::nothing,
                         .errors = StandardFile::nothing}) {
    pipe_ = shell_.take_input();
}

void GroupGuard::watch(int group) const {
    const std::string line = std::to_string(group) + '\n';
    // So few bytes are written at once, or not at all.
    while (::write(pipe_.number(), line.data(), line.size()) < 0) {
        if (errno != EINTR) {
            throw SystemError("telling the guard of a process", -errno);
        }
    }
}

}  // namespace weir::exec
