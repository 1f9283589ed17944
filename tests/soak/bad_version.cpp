// Versions of lock and resp that cannot replace the real ones, each for its own reason. The build
// defines NAME, ENTRY (the name without quotes) and STATE (the real module's).
#include <chrono>
#include <stdexcept>
#include <utility>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/resp/state.h"
#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

using weir::test::plugin_version;

struct OtherState : STATE {
    static constexpr std::uint32_t version = 1000;
};

class BadVersion : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        auto declared = weir::declare_module<BadVersion>(NAME, "Is wrong");
        if (plugin_version == "other") {
            return std::move(declared).hands_over<OtherState>(&BadVersion::give<OtherState>,
                                                              &BadVersion::take<OtherState>);
        }
        return std::move(declared).hands_over<STATE>(&BadVersion::give<STATE>,
                                                     &BadVersion::take<STATE>);
    }

    weir::Task<> load() override {
        if (plugin_version == "broken") {
            throw std::runtime_error("this version is broken");
        }
        if (plugin_version == "hanging") {
            co_await weir::sleep(std::chrono::hours(1));
        }
    }
    void begin() override { throw std::logic_error("this version must not begin"); }

private:
    template <class State>
    State give() {
        return {};
    }
    template <class State>
    void take(State&) {
        throw std::runtime_error("this version wants no state");
    }
};

}  // namespace

#define WEIR_NAMED_PLUGIN(name, Type) WEIR_PLUGIN(name, Type)
WEIR_NAMED_PLUGIN(ENTRY, BadVersion)
