// Leaves something of its code with the scheduler, and so cannot simply leave. Its
// version says what: a routine that does not belong to it, a handler, a handler that is a plain
// function, a tracer, or work on another thread.
#include <chrono>

#include "core/run/event_handler.h"
#include "core/run/trace.h"
#include "core/wait/task_pool.h"
#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/support/plugin_version.h"

namespace {

using weir::test::plugin_version;

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
        if (plugin_version == "handler" || plugin_version == "pointer") {
            static weir::EventHandler* const handler = new weir::EventHandler(scheduler());
            const weir::Matcher announcements = weir::match<Announcement>().make();
            if (plugin_version == "pointer") {
                handler->handle(announcements, &ignore);
            } else {
                handler->handle(announcements, [](const weir::Ref<weir::Event>&) {});
            }
        } else if (plugin_version == "tracer") {
            static IdleTracer tracer;
            scheduler().set_tracer(&tracer);
        } else if (plugin_version == "work") {
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
