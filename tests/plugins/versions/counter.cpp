// Counts, and hands its count over to the next version. Its version tells how
// it differs from the first: `later` has another state and accepts that of the first, `going` does
// not wait for calls, `fresh` has no state, and each remaining one is wrong in one way.
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

using weir::test::plugin_version;

struct Count {
    static constexpr std::string_view name = "count";
    static constexpr std::uint32_t version = 1;
    int count = 0;
};

struct LaterCount {
    static constexpr std::string_view name = "count";
    static constexpr std::uint32_t version = 2;
    int count = 0;
    int taken_over = 0;
};

// Claims to be the first version's state, and is not.
struct FalseCount {
    static constexpr std::string_view name = "count";
    static constexpr std::uint32_t version = 1;
    int count = 0;
    int more[10] = {};
};

struct Seconds {
    int seconds = 0;

    static weir::config::Settings<Seconds> describe() {
        return weir::config::settings<Seconds>(
            "Counts, and takes its time",
            weir::config::setting("seconds", &Seconds::seconds, "How long"));
    }
};

class Counter : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        auto declared =
            weir::declare_module<Counter>("counter", "Counts")
                .function("add", &Counter::add)
                .function("count", "What it has counted, and which version it is", &Counter::tell);
        if (plugin_version == "later") {
            return std::move(declared)
                .hands_over<LaterCount>(&Counter::give_later, &Counter::take_later)
                .takes_over<Count>(&Counter::take);
        } else if (plugin_version == "lying") {
            return std::move(declared).hands_over<FalseCount>(&Counter::give_false,
                                                              &Counter::take_false);
        } else if (plugin_version == "fresh") {
            return declared;
        } else if (plugin_version == "going") {
            return std::move(declared).hands_over<Count>(&Counter::give, &Counter::take,
                                                         weir::CallsUnderWay::go_on);
        } else {
            return std::move(declared).hands_over<Count>(&Counter::give, &Counter::take);
        }
    }

    weir::Task<> load() override {
        if (plugin_version == "hanging") {
            co_await weir::sleep(std::chrono::hours(1));
        }
        if (plugin_version == "broken") {
            throw std::runtime_error("this version is broken");
        }
    }

    void begin() override {
        if (plugin_version == "late") {
            throw std::runtime_error("it cannot begin");
        }
    }

private:
    weir::Task<int> add(Seconds parameters) {
        co_await weir::sleep(std::chrono::seconds(parameters.seconds));
        co_return ++count_;
    }
    std::string tell() { return std::to_string(count_) + " " + std::string(plugin_version); }

    Count give() { return {std::exchange(count_, -1000)}; }
    void take(Count& state) {
        if (plugin_version == "refusing") {
            throw std::runtime_error("more than it can count");
        }
        count_ = state.count;
    }
    LaterCount give_later() { return {count_, 0}; }
    void take_later(LaterCount& state) { count_ = state.count; }
    FalseCount give_false() { return {count_, {}}; }
    void take_false(FalseCount& state) { count_ = state.count; }

    int count_ = 0;
};

}  // namespace

WEIR_PLUGIN(counter, Counter)
