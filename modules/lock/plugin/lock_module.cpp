// The module `lock`: makes the queue of the locks, and tells what is locked.

#include <chrono>

#include "modules/lock/lock_errors.h"
#include "modules/lock/lock_events.h"
#include "modules/lock/lock_table.h"
#include "modules/lock/plugin/lock_module_settings.h"
#include "modules/plugin.h"

namespace weir {

namespace {

using config::setting;
using config::settings;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

struct Pattern {
    std::string pattern = "*";

    static config::Settings<Pattern> describe() {
        return settings<Pattern>("Lists the keys that are held or waited for",
                                 setting("pattern", &Pattern::pattern, "Which keys, with * and ?"));
    }
};

struct Key {
    std::string key;
    std::string context = "default";
    std::uint32_t size = 1;

    static config::Settings<Key> describe() {
        return settings<Key>("Lets several hold a key at a time",
                             setting("key", &Key::key, "Which key").not_empty(),
                             setting("context", &Key::context, "Of which context"),
                             setting("size", &Key::size, "How many").at_least(1));
    }
};

class LockModule final : public ModuleOf<LockModuleSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<LockModule>("lock", "Gives out locks and semaphores")
            .event<LockEvent>()
            .function("list", &LockModule::list)
            .function("statistics", "How many locks were taken, and how long that took",
                      &LockModule::statistics)
            .function("create_semaphore", &LockModule::create_semaphore)
            .function("resize_semaphore", "Changes how many may hold the key of a semaphore",
                      &LockModule::resize_semaphore);
    }

    Task<> load() override {
        std::unique_ptr<FencingTokens> tokens;
        if (settings().state_dir) {
            tokens = std::make_unique<FencingTokens>(*settings().state_dir);
        }
        add_lock_queue(scheduler(), settings().to_lock_settings(), std::move(tokens));
        co_return;
    }

    // Only forced while anything is locked; see in_use().
    Task<> unload() override { co_await remove_lock_queue(scheduler(), true); }

    std::vector<std::string> in_use() const override {
        const LockTable* table = LockTable::find(scheduler());
        std::vector<std::string> uses;
        if (table != nullptr) {
            for (const LockListing& listing : table->list()) {
                uses.push_back(weir::describe({listing}));
            }
        }
        return uses;
    }

private:
    static Json to_json(const std::vector<LockUse>& uses) {
        Json result = Json::array();
        for (const LockUse& use : uses) {
            result.push_back({{"owner", use.owner},
                              {"context", use.context},
                              {"seconds", seconds(use.since)},
                              {"token", use.token}});
        }
        return result;
    }

    Json list(const Pattern& parameters) {
        Json result = Json::array();
        for (const LockListing& listing :
             LockTable::of(scheduler()).list(KeyPattern(parameters.pattern))) {
            result.push_back({{"key", listing.key},
                              {"context", listing.context},
                              {"size", listing.size},
                              {"holders", to_json(listing.holders)},
                              {"waiters", to_json(listing.waiters)}});
        }
        return result;
    }

    static Json to_json(const Histogram& times) {
        return {{"count", times.count()},
                {"mean", seconds(times.mean())},
                {"median", seconds(times.quantile(0.5))},
                {"p99", seconds(times.quantile(0.99))},
                {"longest", seconds(times.longest())}};
    }

    Json statistics() {
        const LockTable& table = LockTable::of(scheduler());
        const LockStatistics all = table.statistics();
        return {{"acquired", all.acquired},
                {"contended", all.contended},
                {"holding", table.holding()},
                {"waiting", table.waiting()},
                {"wait_seconds", to_json(all.wait_time)},
                {"hold_seconds", to_json(all.hold_time)}};
    }

    void create_semaphore(const Key& parameters) {
        constexpr int priority = 1000;
        LockTable::of(scheduler())
            .create_semaphore(parameters.context, parameters.key, parameters.size, priority);
    }

    void resize_semaphore(const Key& parameters) {
        LockTable::of(scheduler())
            .resize_semaphore(parameters.context, parameters.key, parameters.size);
    }
};

}  // namespace

}  // namespace weir

WEIR_PLUGIN(lock, weir::LockModule)
