// Starts a routine that does not belong to the module, so that unloading must refuse. The version
// `handler` registers a handler that no code can close.
#include <chrono>
#include <string_view>

#include "core/run/event_handler.h"
#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/server.h"
#include "tests/plugins/versions/announcement.h"

namespace {

weir::Task<> stay() {
    co_await weir::sleep(std::chrono::hours(1));
}

class Sticky : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Sticky>("sticky", "Leaves something behind");
    }

    weir::Task<> load() override {
        if (std::string_view(VERSION) == "handler") {
            static weir::EventHandler* const handler = new weir::EventHandler(scheduler());
            handler->handle(weir::match<Announcement>().make(),
                            [](const weir::Ref<weir::Event>&) {});
            co_return;
        }
        server().loader().start(stay(), {.name = "sticky.stay", .daemon = true});
        co_return;
    }
};

}  // namespace

WEIR_PLUGIN(sticky, Sticky)
