// Versions of lock and resp that cannot replace the real ones, each for its own reason. The build
// defines VERSION, NAME, ENTRY (the name without quotes) and STATE (the real module's).
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/resp/state.h"
#include "modules/system/module/plugin.h"

namespace {

constexpr std::string_view kind = VERSION;

struct State : STATE {
    static constexpr std::uint32_t version = kind == "other" ? 1000 : STATE::version;
};

class BadVersion : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<BadVersion>(NAME, "Is wrong")
            .hands_over<State>(&BadVersion::give, &BadVersion::take);
    }

    weir::Task<> load() override {
        if (kind == "broken") {
            throw std::runtime_error("this version is broken");
        }
        if (kind == "hanging") {
            co_await weir::sleep(std::chrono::hours(1));
        }
    }
    void begin() override { throw std::logic_error("this version must not begin"); }

private:
    State give() { return {}; }
    void take(State&) { throw std::runtime_error("this version wants no state"); }
};

}  // namespace

#define WEIR_NAMED_PLUGIN(name, Type) WEIR_PLUGIN(name, Type)
WEIR_NAMED_PLUGIN(ENTRY, BadVersion)
