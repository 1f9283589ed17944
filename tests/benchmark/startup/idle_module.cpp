// W11: an idle module: it has settings, a function, and a routine that waits for events and for a
// timer. All plugins of W11 are built from this file; each has its own name and the name of the
// module before it, on which it depends.

#include "tests/benchmark/startup/idle_module.h"

#include <chrono>
#include <cstdio>
#include <string>

#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"

namespace weir::benchmark {

namespace {

struct IdleSettings {
    std::string text = "nothing";
    int count = 1;

    static config::Settings<IdleSettings> describe() {
        return config::settings<IdleSettings>(
            "A module of a benchmark",
            config::setting("text", &IdleSettings::text, "What it would say"),
            config::setting("count", &IdleSettings::count, "How often").range(1, 10));
    }
};

struct Disturbed : Event {
    Index<std::string> module;

    static auto declare() {
        return declare_event<Disturbed>("benchmark.Disturbed").index("module", &Disturbed::module);
    }
};

class Idle : public ModuleOf<IdleSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        auto declaration =
            declare_module<Idle>(idle_module_name, "Does nothing")
                .function("disturbed", "How often it was disturbed", &Idle::disturbed);
        return *idle_module_before == '\0' ? std::move(declaration)
                                           : std::move(declaration).depends_on(idle_module_before);
    }

    Task<> load() override {
        start(wait(), {.name = std::string(idle_module_name) + ".wait"});
        std::printf("%s is loaded\n", idle_module_name);
        std::fflush(stdout);
        co_return;
    }

private:
    int disturbed() { return disturbed_; }

    Task<> wait() {
        const MatcherOf<Disturbed> disturbed = match<Disturbed>(std::string(idle_module_name));
        for (;;) {
            const auto matched = co_await wait_with_timeout(std::chrono::hours(1), disturbed);
            disturbed_ += matched ? 1 : 0;
        }
    }

    int disturbed_ = 0;
};

}  // namespace

}  // namespace weir::benchmark

const void* idle_module_table() {
    static const weir::PluginTable table{weir::PluginTable::current_layout, weir::own_abi,
                                         &weir::module_class<weir::benchmark::Idle>};
    return &table;
}
