// Has one of everything that the operating system gives it. Its version says
// whether it leaves that to weir, or has a handle of libuv of its own.
#include <csignal>
#include <cstdint>

#include <uv.h>

#include "core/calendar/calendar_timer.h"
#include "core/run/uv_loop.h"
#include "core/system/descriptor.h"
#include "core/system/file_watch.h"
#include "core/system/files.h"
#include "core/system/process.h"
#include "core/system/signal_watch.h"
#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

constexpr std::uint64_t an_hour = 3'600'000;  // in milliseconds

class System : public weir::Module {
public:
    explicit System(const weir::ModuleContext& context) : Module(context) {}

    static auto declare() {
        return weir::declare_module<System>("system", "Runs a process and watches");
    }

    weir::Task<> load() override {
        start(run());
        start(watch_signal());
        start(watch_file());
        start(wait_for_tomorrow());
        start(read_again());
        if (weir::test::plugin_version == "handle") {
            auto* const timer = new uv_timer_t;
            uv_timer_init(&weir::loop_of(scheduler()), timer);
            uv_timer_start(timer, &close, an_hour, 0);
        }
        co_return;
    }

private:
    weir::Task<> run() {
        weir::Process process(scheduler(), {.command = {"sleep", "1000"}});
        co_await process.wait();
    }
    weir::Task<> watch_signal() {
        weir::SignalWatch watch(scheduler(), SIGUSR2);
        co_await watch.next();
    }
    static weir::Task<> watch_file() {
        weir::FileWatch watch((co_await weir::this_routine()).scheduler(), "/tmp/weir_not_there");
        co_await watch.changed();
    }
    static weir::Task<> wait_for_tomorrow() {
        const weir::WallTime tomorrow = std::chrono::time_point_cast<weir::WallTime::duration>(
            std::chrono::system_clock::now() + std::chrono::hours(24));
        co_await weir::sleep_until(tomorrow);
    }
    static weir::Task<> read_again() {
        for (;;) {
            co_await weir::read_file("/proc/self/status");
        }
    }
    static void close(uv_timer_t* timer) {
        uv_close(reinterpret_cast<uv_handle_t*>(timer),
                 [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
    }
};

}  // namespace

WEIR_PLUGIN(system, System)
