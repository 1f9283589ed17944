#include "modules/exec/streaming.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/run/container.h"
#include "core/stream/byte_stream.h"
#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"
#include "modules/exec/group_guard.h"

namespace weir::exec {

namespace {

constexpr std::size_t longest_line = 64 * 1024;

// Ends with the input, or with the program's interest in it.
Task<> write_input(ByteStream& stream, std::string input) {
    try {
        co_await stream.write(std::move(input));
        co_await stream.shutdown();
    } catch (const StreamError&) {
    }
}

// What a program writes to one of its files.
struct Output {
    ByteStream& stream;
    bool of_errors;
    std::size_t most;
    std::string& text;
    bool& cut;
    const OnLine& on_line;
};

Task<> read_output(Output output) {
    std::string line;
    for (;;) {
        const std::string part(co_await output.stream.read_some());
        if (part.empty()) {
            break;
        }
        const std::size_t kept = std::min(part.size(), output.most - output.text.size());
        output.text.append(part, 0, kept);
        output.cut = output.cut || kept != part.size();
        if (!output.on_line) {
            continue;
        }
        for (std::string_view rest = part; !rest.empty();) {
            const std::size_t room = longest_line - line.size();
            const std::size_t end = std::min({rest.find('\n'), rest.size(), room});
            line += rest.substr(0, end);
            const bool is_whole = end < rest.size() && rest[end] == '\n';
            rest.remove_prefix(end + (is_whole ? 1 : 0));
            if (is_whole || line.size() == longest_line) {
                Task<> telling = output.on_line(std::exchange(line, {}), output.of_errors);
                co_await telling;
            }
        }
    }
    if (!line.empty()) {
        Task<> telling = output.on_line(std::move(line), output.of_errors);
        co_await telling;
    }
}

Task<> wait_for_exit(Process& process) {
    co_await process.wait();
}

}  // namespace

Task<RunResult> run_and_tell(ProcessOptions options, std::string input, RunLimits limits,
                             OnLine on_line) {
    Scheduler& scheduler = (co_await this_routine()).scheduler();
    options.input = input.empty() ? StandardFile::nothing : StandardFile::piped;
    options.output = options.errors = StandardFile::piped;
    RunResult result;
    auto guard_begun = std::make_unique<GroupGuard>(scheduler);
    Process process(scheduler, options);
    const auto guard = std::move(guard_begun);  // here: it ends before the process is reaped
    guard->watch(process.pid());
    const ByteStream::Owner to_program = input.empty() ? nullptr : process.input_stream();
    const ByteStream::Owner output = process.output_stream();
    const ByteStream::Owner errors = process.errors_stream();
    Container container(scheduler);
    std::vector<Task<>> tasks;
    if (to_program != nullptr) {
        tasks.push_back(write_input(*to_program, std::move(input)));
    }
    tasks.push_back(
        read_output(Output{*output, false, limits.output, result.output, result.cut, on_line}));
    tasks.push_back(
        read_output(Output{*errors, true, limits.output, result.errors, result.cut, on_line}));
    tasks.push_back(wait_for_exit(process));
    Task<> all = execute_all(container, std::move(tasks));
    result.timed_out = !co_await execute_with_timeout(limits.time, std::move(all));
    result.exit = co_await process.stop(limits.patience);
    co_return result;
}

}  // namespace weir::exec
