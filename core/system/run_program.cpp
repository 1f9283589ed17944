#include "core/system/run_program.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "core/run/container.h"
#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// A pipe belongs to this end alone: to make it non-blocking does not matter to the program.
FileDescriptor non_blocking(FileDescriptor pipe) {
    ::fcntl(pipe.number(), F_SETFL, O_NONBLOCK);
    return pipe;
}

// Ends with the input, or with the program's interest in it.
Task<> write_all(Scheduler& scheduler, FileDescriptor pipe, const std::string& input) {
    const int number = pipe.number();
    const DescriptorWatch watch(scheduler, std::move(pipe));
    std::string_view rest = input;
    while (!rest.empty()) {
        const ssize_t count = ::write(number, rest.data(), rest.size());
        if (count >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            co_await watch.writable();
        } else if (errno != EINTR) {
            co_return;
        }
    }
}

Task<> read_all(Scheduler& scheduler, FileDescriptor pipe, std::size_t most, std::string& text,
                bool& cut) {
    const int number = pipe.number();
    const DescriptorWatch watch(scheduler, std::move(pipe));
    std::string buffer(16 * 1024, '\0');
    for (;;) {
        const ssize_t count = ::read(number, buffer.data(), buffer.size());
        if (count > 0) {
            const std::size_t read = static_cast<std::size_t>(count);
            const std::size_t kept = std::min(read, most - text.size());
            text.append(buffer.data(), kept);
            cut = cut || kept != read;
        } else if (count < 0 && errno == EAGAIN) {
            co_await watch.readable();
        } else if (count == 0 || errno != EINTR) {
            co_return;
        }
    }
}

Task<> wait_for_end(Process& process) {
    co_await process.wait();
}

}  // namespace

Task<RunResult> run_program(ProcessOptions options, std::string input, RunLimits limits) {
    Scheduler& scheduler = (co_await this_routine()).scheduler();
    options.input = input.empty() ? StandardFile::nothing : StandardFile::piped;
    options.output = options.errors = StandardFile::piped;
    RunResult result;
    Process process(scheduler, options);
    Container container(scheduler);
    std::vector<Task<>> tasks;
    if (!input.empty()) {
        tasks.push_back(write_all(scheduler, non_blocking(process.take_input()), input));
    }
    tasks.push_back(read_all(scheduler, non_blocking(process.take_output()), limits.output,
                             result.output, result.cut));
    tasks.push_back(read_all(scheduler, non_blocking(process.take_errors()), limits.output,
                             result.errors, result.cut));
    tasks.push_back(wait_for_end(process));
    Task<> all = execute_all(container, std::move(tasks));
    result.timed_out = !co_await execute_with_timeout(limits.time, std::move(all));
    result.exit = co_await process.stop(limits.patience);
    co_return result;
}

}  // namespace weir
