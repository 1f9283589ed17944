// Starts a routine that does not belong to it, and so cannot simply go.
#include <chrono>

#include "core/timeout.h"
#include "modules/plugin.h"
#include "modules/server.h"

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
        server().loader().start(stay(), {.name = "sticky.stay", .daemon = true});
        co_return;
    }
};

}  // namespace

WEIR_PLUGIN(sticky, Sticky)
