// Versions of lock and resp that cannot take the place of the real ones, each in its way. NAME,
// VERSION and SIZE, that of the real one's state, are given by the build.
#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "core/timeout.h"
#include "modules/plugin.h"

namespace {

constexpr std::string_view kind = VERSION;

struct State {
    static constexpr std::string_view name = NAME;
    static constexpr std::uint32_t version = kind == "other" ? 1000 : 1;
    std::array<char, SIZE> bytes;
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
