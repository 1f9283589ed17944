#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/histogram.h"
#include "core/run/event_handler.h"
#include "core/wait/condition.h"
#include "modules/rules/rule.h"
#include "modules/rules/settings.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module.h"

namespace weir::rules {

// What one version of the module hands to the next: the events that wait, by rule.
struct RulesState {
    static constexpr std::string_view name = "rules";
    static constexpr std::uint32_t version = 1;

    std::map<std::string, std::vector<Json>> waiting;
};

// The module `rules`: reacts to events as its settings say.
class RulesModule final : public ModuleOf<RulesSettings>, public RuleHost {
public:
    explicit RulesModule(const ModuleContext& context);
    ~RulesModule() override;

    static ModuleDeclaration<RulesModule> declare();

    Task<> load() override;
    void begin() override;
    void retire() override;
    Task<> unload() override;
    void unload_refused() override;
    using ModuleOf::settings_changed;
    void settings_changed(const RulesSettings& before) override;

    std::vector<RuleInfo> list() const;

private:
    static void check(const AppCheck& app);
    static std::vector<Flow> flows(const AppCheck& app);

    template <auto Member>
    void add_by_rule(MetricFamily& values) const;
    const Histogram& run_time() const noexcept { return run_time_; }

    RulesState hand_over();
    void take_over(RulesState& state);

    std::unique_ptr<Rule> make(const std::string& rule_name, const RuleSettings& rule);
    void begin_rule(Rule& rule);
    void follow_modules();
    void let_rules_go_on();
    bool startup_is_done() const;
    void modules_changed();
    bool all_idle() const noexcept;
    void forget_idle();
    void end_rules() noexcept;

    Module& module() noexcept override { return *this; }
    void need_queue(int priority) override;
    HeldEvents& held_events(const EventType& type, std::size_t limit) override;
    void count_run(Duration time) noexcept override { run_time_.record(time); }
    void run_ended() noexcept override { idle_.notify(); }
    bool round_has_many_runs() noexcept override;
    const ScriptSettings& script_limits() const noexcept override { return settings().script; }

    Histogram run_time_;
    weir::Condition idle_;     // all rules, perhaps
    std::uint64_t round_ = 0;  // of the scheduler, in which a run has begun last
    std::size_t runs_in_round_ = 0;
    std::map<std::string, std::unique_ptr<HeldEvents>> held_;  // by event type
    std::map<int, Ref<Queue>> queues_by_priority_;
    std::map<std::string, std::unique_ptr<Rule>> rules_;
    std::vector<std::unique_ptr<Rule>> leaving_;  // changed or removed, with runs under way
    std::vector<std::string> to_start_;           // rules on "start" that have not run yet
    EventHandler states_;
};

}  // namespace weir::rules
