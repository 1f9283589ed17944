// load_cycles N [--kept]: loads and unloads the plugin `everything` N times, with calls in
// progress, on libuv. Fails if a cycle fails, or if memory, mappings, handles, threads or the
// scheduler's objects have grown since the first tenth of the cycles. `--kept`: libraries stay in
// memory, as under a sanitizer.
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include <malloc.h>

#include "config/settings/configuration.h"
#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

using namespace weir;

namespace {

// The resources of the process that may leak.
struct Use {
    std::size_t rss_kib = 0;
    std::size_t heap_kib = 0;
    std::size_t mappings = 0;
    std::size_t libraries = 0;  // mapped plugins
    std::size_t handles = 0;    // open file descriptors
    std::size_t threads = 0;
    std::size_t subscribers = 0;
    std::size_t timers = 0;
    std::size_t events = 0;
    std::size_t blocked = 0;

    std::string text() const {
        std::ostringstream out;
        out << "RSS " << rss_kib << " KiB, heap in use " << heap_kib << " KiB, " << mappings
            << " mappings, " << libraries << " of plugins, " << handles << " file descriptors, "
            << threads << " threads, " << subscribers << " subscribers, " << timers << " timers, "
            << events << " events, " << blocked << " of them blocked";
        return out.str();
    }
};

std::size_t status_line(const char* name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name)) {
            return std::stoul(line.substr(std::strlen(name)));
        }
    }
    return 0;
}

Use use_now(Scheduler& scheduler) {
    Use use;
    use.rss_kib = status_line("VmRSS:");
    use.threads = status_line("Threads:");
    use.heap_kib = mallinfo2().uordblks / 1024;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        ++use.mappings;
        use.libraries += line.find("/weir-") != std::string::npos ? 1 : 0;
    }
    for ([[maybe_unused]] const auto& handle :
         std::filesystem::directory_iterator("/proc/self/fd")) {
        ++use.handles;
    }
    for ([[maybe_unused]] const Subscriber& subscriber : scheduler.subscribers()) {
        ++use.subscribers;
    }
    use.timers = scheduler.timers().size();
    scheduler.queue().for_each([&use](Event&) { ++use.events; });
    use.blocked = scheduler.blocked_events().size();
    return use;
}

Task<> call_and_forget() {
    co_await call("everything", "sleep");
}

// Runs one cycle. Returns what went wrong, or "".
Task<std::string> cycle(Server& server, int number) {
    std::string failure;
    try {
        co_await server.loader().load("everything");
        Json parameters;
        parameters["number"] = number;
        const ApiResult<Json> weight = co_await call("everything", "weigh", std::move(parameters));
        if (!weight || weight.value() != Json(number + 1)) {
            co_return "weigh answered " +
                (weight ? weight.value().dump() : to_text(weight.error()));
        }
        Container callers(server.scheduler());
        if (number % 2 == 0) {  // the caller is closed during its call
            callers.start(call_and_forget(), {.name = "caller", .daemon = true});
            co_await sleep(std::chrono::microseconds(1));
        }
        callers.close();
        co_await server.loader().unload("everything");
    } catch (const LoadException& exception) {
        failure = exception.what();
    }
    co_return failure;
}

Task<> run_cycles(Server& server, int count, bool kept, int& status) {
    Use first;
    const int settled = std::max(1, count / 10);
    for (int i = 0; i != count; ++i) {
        const std::string failure = co_await cycle(server, i);
        if (!failure.empty()) {
            std::cout << "cycle " << i << ": " << failure << "\n";
            status = 1;
            co_return;
        }
        if (i + 1 == settled) {
            first = use_now(server.scheduler());
            std::cout << "after " << settled << " cycles: " << first.text() << std::endl;
        }
    }
    const Use last = use_now(server.scheduler());
    std::cout << "after " << count << " cycles: " << last.text() << "\n";
    const bool same = last.handles == first.handles && last.threads == first.threads &&
                      last.subscribers == first.subscribers && last.timers == first.timers &&
                      last.events == first.events && last.blocked == first.blocked;
    // The allocator may have added a few pages, each with a mapping of its own.
    const bool flat =
        kept || (last.libraries == 0 && last.mappings <= first.mappings + 4 &&
                 last.heap_kib <= first.heap_kib + 64 && last.rss_kib <= first.rss_kib + 1024);
    if (!same || !flat) {
        std::cout << "something is left over\n";
        status = 1;
    }
}

}  // namespace

int main(int count, char** arguments) {
    const int cycles = count > 1 ? std::atoi(arguments[1]) : 0;
    if (cycles <= 0) {
        std::cerr << "usage: load_cycles N [--kept]\n";
        return 2;
    }
    const bool kept = count > 2 && std::string_view(arguments[2]) == "--kept";
    config::Sources sources;
    sources.files.push_back(
        {"soak.json", R"({"server": {"plugin_path": [")" WEIR_SOAK_PLUGINS R"("]}})"});
    config::Problems problems;
    config::Configuration configuration = config::Configuration::load(sources, problems);
    UvPoller poller;
    const LogSink log = [](const LogRecord& record) {
        if (record.level >= LogLevel::warning) {
            std::cout << to_string(record.level) << ": " << record.text << "\n";
        }
    };
    Server server(poller, std::move(configuration), {.registry = {}, .log = log});
    int status = 0;
    Container container(server.scheduler());
    container.start(run_cycles(server, cycles, kept, status), {.name = "cycles"});
    server.run();
    return status;
}
