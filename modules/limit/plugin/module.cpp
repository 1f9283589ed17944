// The plugin `limit`: rates and numbers at a time, by key, as functions and for other plugins.

#include "modules/system/module/module.h"

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/base/glob.h"
#include "core/run/random_id.h"
#include "modules/limit/held_tickets.h"
#include "modules/limit/limit.h"
#include "modules/limit/limit_host.h"
#include "modules/limit/plugin/api.h"
#include "modules/limit/plugin/settings.h"
#include "modules/system/call/require_named.h"
#include "modules/system/module/plugin.h"

namespace weir::limit {
namespace {

using Limits = std::map<std::string, Ref<Limit>>;

// What one version of the module hands to the next: the limits with those that wait, and the
// tickets that are out.
struct LimitState {
    static constexpr std::string_view name = "limit";
    static constexpr std::uint32_t version = 1;

    Limits limits;
    Ref<HeldTickets> held;
};

class LimitModule final : public ModuleOf<ModuleSettings>, public LimitHost {
public:
    using ModuleOf::ModuleOf;
    ~LimitModule() override { close(); }

    static auto declare() {
        return declare_module<LimitModule>(
                   "limit", "Limits how often, and how often at a time, something is done")
            .single("other modules find its limits by name")
            .hands_over<LimitState>(&LimitModule::hand_over, &LimitModule::take_over,
                                    CallsUnderWay::go_on)
            .function("take", &LimitModule::take)
            .function("give_back", &LimitModule::give_back)
            .function("list", "Lists the limits, with what they have let pass", &LimitModule::list)
            .function("keys", &LimitModule::keys)
            .counter("taken", "Tickets that were taken",
                     &LimitModule::add_by_limit<&LimitInfo::taken>)
            .counter("refused", "Callers that have got no ticket",
                     &LimitModule::add_by_limit<&LimitInfo::refused>)
            .gauge("keys", "Keys that are remembered", &LimitModule::add_by_limit<&LimitInfo::keys>)
            .gauge("in_use", "Tickets that are out", &LimitModule::add_by_limit<&LimitInfo::in_use>)
            .gauge("waiting", "Callers that wait for a ticket",
                   &LimitModule::add_by_limit<&LimitInfo::waiting>)
            .reads({"list", "keys"});
    }

    Task<> load() override {
        use_settings();
        co_return;
    }

    void begin() override { start(keep_expiring(), {.name = "limit.expire", .daemon = true}); }

    using ModuleOf::settings_changed;
    void settings_changed(const ModuleSettings&) override { use_settings(); }

private:
    // Limits that stay keep their tickets, and what waits for them.
    void use_settings() {
        Limits now;
        for (const auto& [limit_name, limit] : settings().limits) {
            const auto old = limits_.find(limit_name);
            if (old != limits_.end()) {
                old->second->change(limit.rules());
                now[limit_name] = old->second;
            } else {
                now[limit_name] = Ref<Limit>(new Limit(scheduler(), limit_name, limit.rules()));
            }
        }
        limits_ = std::move(now);
    }

    LimitState hand_over() { return {limits_, held_}; }
    void take_over(LimitState& state) {
        limits_ = state.limits;
        held_ = state.held;
        use_settings();
    }

    Ref<Limit> find_limit(const std::string& limit_name) const override {
        const auto found = limits_.find(limit_name);
        return found != limits_.end() ? found->second : Ref<Limit>();
    }

    Ref<Limit> require_limit(const std::string& limit_name) const {
        return require_named(limits_, "limit", limit_name)->second;
    }

    Task<TakeResult> take(TakeParameters parameters) {
        const Ref<Limit> limit = require_limit(parameters.limit);
        const Time began = scheduler().now();
        Task<std::unique_ptr<Ticket>> taking =
            taken(limit, std::move(parameters.key), parameters.tokens, parameters.priority,
                  parameters.wait);
        std::unique_ptr<Ticket> ticket = co_await taking;
        TakeResult result;
        result.waited =
            std::chrono::duration_cast<std::chrono::milliseconds>(scheduler().now() - began);
        const auto found = settings().limits.find(limit->name());
        if (limit->counts_tickets() && found != settings().limits.end()) {
            result.ticket = random_id(scheduler().poller());
            held_->add(result.ticket, std::move(ticket), scheduler().now() + found->second.hold);
        }
        co_return result;
    }

    // Tells why there is no ticket as functions do.
    static Task<std::unique_ptr<Ticket>> taken(Ref<Limit> limit, std::string key,
                                               std::uint32_t tokens, int priority,
                                               std::optional<Duration> wait) {
        try {
            co_return co_await Limit::take(limit, std::move(key), tokens, priority, wait);
        } catch (const LimitReached& refusal) {
            throw ApiException("limit_reached", refusal.what());
        } catch (const std::invalid_argument& mistake) {
            throw ApiException(ApiError::bad_parameter, std::string("tokens: ") + mistake.what());
        }
    }

    bool give_back(const GiveBackParameters& parameters) {
        return held_->remove(parameters.ticket);
    }

    Task<> keep_expiring() {
        for (;;) {
            co_await held_->next_end();
            if (const std::size_t count = held_->expire(scheduler().now())) {
                log().warning("tickets that were not given back within the time of `hold`: {}",
                              count);
            }
        }
    }

    std::vector<LimitInfo> list() const {
        std::vector<LimitInfo> result;
        for (const auto& [limit_name, limit] : limits_) {
            LimitInfo info;
            info.name = limit_name;
            const auto found = settings().limits.find(limit_name);
            info.description = found != settings().limits.end() ? found->second.description : "";
            info.keys = limit->keys();
            info.in_use = limit->in_use();
            info.waiting = limit->waiting();
            info.taken = limit->taken();
            info.refused = limit->refused();
            result.push_back(std::move(info));
        }
        return result;
    }

    std::vector<KeyInfo> keys(const KeysParameters& parameters) const {
        std::vector<KeyInfo> result;
        const Glob pattern(parameters.pattern);
        require_limit(parameters.limit)->each_key([&](const Limit::KeyState& key) {
            if (pattern.matches(key.key)) {
                result.push_back({std::string(key.key), key.in_use, key.waiting, key.tokens});
            }
            return result.size() < parameters.most;
        });
        std::ranges::sort(result, {}, &KeyInfo::key);
        return result;
    }

    template <auto Member>
    void add_by_limit(MetricFamily& values) const {
        for (const LimitInfo& info : list()) {
            values.add(info.*Member, {{"limit", info.name}});
        }
    }

    Limits limits_;  // shared with the tickets
    Ref<HeldTickets> held_{new HeldTickets};
};

}  // namespace
}  // namespace weir::limit

WEIR_PLUGIN(limit, weir::limit::LimitModule)
