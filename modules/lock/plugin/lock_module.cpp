// The module `lock`: makes the queue of the locks, and tells what is locked.

#include <chrono>
#include <stdexcept>
#include <string_view>

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

// The locks themselves are not the plugin's: their queue and their table are the library's, and
// stay where they are. What a next version needs to know is by which settings they were made.
struct LockHandover {
    static constexpr std::string_view name = "lock";
    static constexpr std::uint32_t version = 1;

    std::string settings;  // as JSON
};

class LockModule final : public ModuleOf<LockModuleSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<LockModule>("lock", "Gives out locks and semaphores")
            .event<LockEvent>()
            .hands_over<LockHandover>(&LockModule::hand_over, &LockModule::take_over)
            .function("list", &LockModule::list)
            .function("statistics", "How many locks were taken, and how long that took",
                      &LockModule::statistics)
            .function("create_semaphore", &LockModule::create_semaphore)
            .function("resize_semaphore", "Changes how many may hold the key of a semaphore",
                      &LockModule::resize_semaphore);
    }

    Task<> load() override {
        if (replaces()) {
            co_return;  // the locks are there
        }
        std::unique_ptr<FencingTokens> tokens;
        if (settings().state_dir) {
            tokens = std::make_unique<FencingTokens>(*settings().state_dir);
        }
        add_lock_queue(scheduler(), settings().to_lock_settings(), std::move(tokens));
        co_return;
    }

    // Only forced while anything is locked; see in_use().
    Task<> unload() override {
        if (handed_over_) {
            co_return;
        }
        Task<> removing = remove_lock_queue(scheduler(), true);
        co_await removing;
    }

    std::vector<std::string> in_use() const override {
        const LockTable* table = handed_over_ ? nullptr : LockTable::find(scheduler());
        std::vector<std::string> uses;
        if (table != nullptr) {
            for (const LockListing& listing : table->list()) {
                uses.push_back(weir::describe({listing}));
            }
        }
        return uses;
    }

private:
    LockHandover hand_over() {
        handed_over_ = true;
        return {settings_text()};
    }

    void take_over(LockHandover& state) {
        if (state.settings != settings_text()) {
            throw std::runtime_error(
                "the settings of the locks have changed; they take effect when the module is "
                "unloaded and loaded again");
        }
        handed_over_ = false;
    }

    std::string settings_text() const {
        Json text = Json::object();
        const config::Description& description = config::description_of<LockModuleSettings>();
        for (const config::Setting& setting : description.settings()) {
            text[setting.name] = json_of(setting.type->to_json(setting.value_in(&settings())));
        }
        return text.dump();
    }

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

    bool handed_over_ = false;
};

}  // namespace

}  // namespace weir

WEIR_PLUGIN(lock, weir::LockModule)
