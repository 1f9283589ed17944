// Leaves something of its code with the scheduler, and so cannot simply leave. VERSION, given by
// the build, says what: a routine that does not belong to it, a handler, a handler that is a plain
// function, a tracer, or work on another thread.
#include <chrono>
#include <string_view>

#include "core/run/event_handler.h"
#include "core/run/trace.h"
#include "core/wait/task_pool.h"
#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "tests/plugins/versions/announcement.h"

namespace {

constexpr std::string_view version = VERSION;

weir::Task<> stay() {
    co_await weir::sleep(std::chrono::hours(1));
}

void ignore(const weir::Ref<weir::Event>&) {}

class IdleTracer final : public weir::Tracer {};

class Sticky : public weir::Module {
public:
    explicit Sticky(const weir::ModuleContext& context)
        : Module(context), pool_(context.scheduler) {}

    static auto declare() {
        return weir::declare_module<Sticky>("sticky", "Leaves something behind");
    }

    weir::Task<> load() override {
        if (version == "handler" || version == "pointer") {
            static weir::EventHandler* const handler = new weir::EventHandler(scheduler());
            const weir::Matcher announcements = weir::match<Announcement>().make();
            if (version == "pointer") {
                handler->handle(announcements, &ignore);
            } else {
                handler->handle(announcements, [](const weir::Ref<weir::Event>&) {});
            }
        } else if (version == "tracer") {
            static IdleTracer tracer;
            scheduler().set_tracer(&tracer);
        } else if (version == "work") {
            start(work(), {.name = "sticky.work"});
        } else {
            server().loader().start(stay(), {.name = "sticky.stay", .daemon = true});
        }
        co_return;
    }

private:
    weir::Task<> work() {
        co_await pool_.run([] {});
    }

    weir::TaskPool pool_;
};

}  // namespace

WEIR_PLUGIN(sticky, Sticky)
