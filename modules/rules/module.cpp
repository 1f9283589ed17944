// The plugin `rules`: apps react to events without code.

#include "modules/rules/module.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "config/settings/description.h"
#include "core/queue/fifo_queue.h"
#include "modules/rules/compile.h"
#include "modules/rules/endless.h"
#include "modules/rules/flows.h"
#include "modules/rules/rehearsal.h"
#include "modules/rules/value_compiler.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::rules {

namespace {

bool same(const RuleSettings& left, const RuleSettings& right) {
    return config::description_of<RuleSettings>().equal(&left, &right);
}

}  // namespace

ModuleDeclaration<RulesModule> RulesModule::declare() {
    return declare_module<RulesModule>("rules", "Reacts to events by calls and events")
        .depends_on("lock")
        .event<RuleFailed>()
        .makes_queue<RuleReady>("rules.PRIORITY", "one for each priority of rules")
        .checks(&RulesModule::check)
        .rehearses(&rehearse_rules)
        .shows_flows(&RulesModule::flows)
        .hands_over<RulesState>(&RulesModule::hand_over, &RulesModule::take_over,
                                CallsUnderWay::go_on)
        .function("list", "Lists the rules, with what they have done", &RulesModule::list)
        .counter("events", "Events for which the condition of a rule held",
                 &RulesModule::add_by_rule<&RuleInfo::events>)
        .counter("runs", "Runs of rules that have ended",
                 &RulesModule::add_by_rule<&RuleInfo::runs>)
        .counter("failed", "Runs of rules that have failed",
                 &RulesModule::add_by_rule<&RuleInfo::failed>)
        .counter("retries", "How often steps were tried again",
                 &RulesModule::add_by_rule<&RuleInfo::retries>)
        .counter("dropped", "Events that rules have dropped",
                 &RulesModule::add_by_rule<&RuleInfo::dropped>)
        .gauge("running", "Runs of rules now", &RulesModule::add_by_rule<&RuleInfo::running>)
        .gauge("waiting", "Events that wait for a run of a rule",
               &RulesModule::add_by_rule<&RuleInfo::waiting>)
        .histogram("run", "Time from the beginning of a run to its end", &RulesModule::run_time)
        .reads({"list"});
}

RulesModule::RulesModule(const ModuleContext& context)
    : ModuleOf(context), states_(context.scheduler) {}

RulesModule::~RulesModule() {
    states_.stop_all();
    end_rules();
    close();
}

// --- checking

namespace {

// Only a queue in which one event holds back all others can hold events back for a rule.
void check_queues(const AppCheck& app, const config::Value& queues, const config::Path& path,
                  const std::string& type, const std::string& rule, bool at_root) {
    const auto* const list = queues.get<config::Value::List>();
    for (std::size_t i = 0; list != nullptr && i != list->size(); ++i) {
        const config::Value& queue = (*list)[i];
        const config::Value* const event = queue.find("event");
        const config::Value* const kind = queue.find("kind");
        const config::Value* const inner = queue.find("queues");
        const bool plain = at_root && queue.find("index") == nullptr && inner == nullptr &&
                           (kind == nullptr || kind->text() == "fifo");
        if (event != nullptr && event->text() == type && !plain) {
            app.report(
                inside(path, i),
                "the rule '" + rule +
                    "' lets senders of these events wait, and can do so "
                    "only if they have a queue of kind fifo, at the root, without `index` and "
                    "`queues`; the rule's own fair_by and priority do the same, or "
                    "\"when_full\": \"drop_oldest\"");
        }
        if (inner != nullptr) {
            check_queues(app, *inner, inside(path, i) / "queues", type, rule, false);
        }
    }
}

}  // namespace

void RulesModule::check(const AppCheck& app) {
    const auto settings = app.settings<RulesSettings>();
    const auto queues = app.configuration().value("server.queues");
    std::map<std::string, Program> programs;
    for (const auto& [rule_name, rule] : settings.rules) {
        const Program& program = programs[rule_name] = compile(rule_name, rule, &app);
        if (queues && program.when_full == WhenFull::wait && !program.on_start) {
            check_queues(app, *queues, "server.queues", program.on.type, rule_name, true);
        }
    }
    warn_of_endless_rules(app, programs);
}

std::vector<Flow> RulesModule::flows(const AppCheck& app) {
    return flows_of(app.settings<RulesSettings>());
}

// --- rules

std::unique_ptr<Rule> RulesModule::make(const std::string& rule_name, const RuleSettings& rule) {
    return std::make_unique<Rule>(*this, compile(rule_name, rule, nullptr), settings().max_keys);
}

Task<> RulesModule::load() {
    for (const auto& [rule_name, rule] : settings().rules) {
        rules_[rule_name] = make(rule_name, rule);
        rules_[rule_name]->prepare();  // now the queues of the version before can be adopted
    }
    co_return;
}

void RulesModule::follow_modules() {
    states_.handle(match<ModuleStateEvent>().make(),
                   [this](const Ref<Event>&) { modules_changed(); });
}

void RulesModule::begin() {
    follow_modules();
    const bool is_first = !replaces();
    for (const auto& [rule_name, rule] : rules_) {
        rule->connect();
        if (is_first && rule->program().on_start) {
            to_start_.push_back(rule_name);
        }
    }
    modules_changed();
}

// A rule that has come while the module runs.
void RulesModule::begin_rule(Rule& rule) {
    rule.connect();
    if (rule.program().on_start) {
        to_start_.push_back(rule.program().name);
    }
}

bool RulesModule::startup_is_done() const {
    return std::ranges::all_of(server().settings().startup, [this](const std::string& module_name) {
        const ModuleState state = server().loader().state(module_name);
        return module_name == name() || state == ModuleState::succeeded ||
               state == ModuleState::failed;
    });
}

// Event types come with modules; and rules on "start" wait for all of them.
void RulesModule::modules_changed() {
    for (const auto& [rule_name, rule] : rules_) {
        rule->connect();
    }
    if (to_start_.empty() || !startup_is_done()) {
        return;
    }
    for (const std::string& rule_name : std::exchange(to_start_, {})) {
        if (const auto rule = rules_.find(rule_name); rule != rules_.end()) {
            rule->second->run_once();
        }
    }
}

// Rules that have not changed go on as they are; others end their runs in the old form.
void RulesModule::settings_changed(const RulesSettings& before) {
    forget_idle();
    std::map<std::string, std::unique_ptr<Rule>> made;
    for (const auto& [rule_name, rule] : settings().rules) {
        const auto old = before.rules.find(rule_name);
        if (old == before.rules.end() || !same(old->second, rule)) {
            made[rule_name] = make(rule_name, rule);
        }
    }
    leaving_.reserve(leaving_.size() + rules_.size());
    for (auto rule = rules_.begin(); rule != rules_.end();) {
        if (settings().rules.contains(rule->first) && !made.contains(rule->first)) {
            ++rule;
            continue;
        }
        rule->second->stop();
        leaving_.push_back(std::move(rule->second));
        rule = rules_.erase(rule);
    }
    for (auto& [rule_name, rule] : made) {
        begin_rule(*(rules_[rule_name] = std::move(rule)));
        log().info("the rule '{}' has begun", rule_name);
    }
    modules_changed();
}

void RulesModule::forget_idle() {
    std::erase_if(leaving_, [](const std::unique_ptr<Rule>& rule) { return rule->idle(); });
}

// --- ending

bool RulesModule::all_idle() const noexcept {
    const auto is_idle = [](const std::unique_ptr<Rule>& rule) { return rule->idle(); };
    return std::ranges::all_of(leaving_, is_idle) &&
           std::ranges::all_of(rules_, [](const auto& entry) { return entry.second->idle(); });
}

Task<> RulesModule::unload() {
    states_.stop_all();
    for (const auto& [rule_name, rule] : rules_) {
        rule->stop();
    }
    Task<bool> ending = idle_.until([this] { return all_idle(); });
    co_await ending;
    end_rules();
}

void RulesModule::unload_refused() {
    follow_modules();
    let_rules_go_on();
}

void RulesModule::end_rules() noexcept {
    for (const auto& [rule_name, rule] : rules_) {
        if (const std::size_t unfinished = rule->unfinished(); unfinished != 0) {
            try {
                log().warning("the rule '{}' leaves {} of its events unfinished", rule_name,
                              unfinished);
            } catch (const std::bad_alloc&) {
                // The log has no line then.
            }
        }
    }
    leaving_.clear();
    rules_.clear();
}

// Runs that are under way go on in this version, which unload() waits for.
void RulesModule::retire() {
    states_.stop_all();
}

RulesState RulesModule::hand_over() {
    RulesState state;
    for (const auto& [rule_name, rule] : rules_) {
        rule->stop();
        state.waiting[rule_name] = rule->take_waiting();
    }
    return state;
}

// Also called with what this has handed over, when the new version has failed.
void RulesModule::take_over(RulesState& state) {
    for (auto& [rule_name, events] : state.waiting) {
        const auto rule = rules_.find(rule_name);
        if (rule == rules_.end()) {
            if (!events.empty()) {
                log().warning("the rule '{}' is gone, with {} events that waited for it", rule_name,
                              events.size());
            }
            continue;
        }
        for (Json& event : events) {
            rule->second->admit(std::move(event));
        }
    }
    let_rules_go_on();
}

void RulesModule::let_rules_go_on() {
    for (const auto& [rule_name, rule] : rules_) {
        if (rule->stopped()) {
            rule->go_on();
        }
    }
}

// --- what rules need

void RulesModule::need_queue(int priority) {
    if (!queues_by_priority_.contains(priority)) {
        queues_by_priority_[priority] =
            add_queue(scheduler().queue(), "rules." + std::to_string(priority), priority,
                      match<RuleReady>().with(&RuleReady::priority, priority).make());
    }
}

HeldEvents& RulesModule::held_events(const EventType& type, std::size_t limit) {
    std::unique_ptr<HeldEvents>& held = held_[type.name()];
    if (held == nullptr) {
        constexpr int priority = 400;
        const std::string name_of_queue = "rules." + type.name();
        const Matcher all(type);
        Ref<Queue> queue;
        for (const Ref<Queue>& known : scheduler().queue().subqueues()) {
            if (known->name() != name_of_queue &&
                std::ranges::equal(known->matcher().path(), all.path())) {
                queue = known;
                break;
            }
        }
        if (queue == nullptr) {
            queue = add_queue(scheduler().queue(), name_of_queue, priority, all,
                              {.max_default = limit + 1, .kind = FifoQueue::factory()});
        }
        held = std::make_unique<HeldEvents>(std::move(queue));
    }
    return *held;
}

bool RulesModule::round_has_many_runs() noexcept {
    constexpr std::size_t most = 100;
    if (std::exchange(round_, scheduler().rounds()) != scheduler().rounds()) {
        runs_in_round_ = 0;
    }
    return ++runs_in_round_ > most;
}

// --- functions and metrics

std::vector<RuleInfo> RulesModule::list() const {
    std::vector<RuleInfo> result;
    for (const auto& [rule_name, rule] : rules_) {
        result.push_back(rule->info());
    }
    for (const auto& rule : leaving_) {
        if (!rule->idle()) {
            result.push_back(rule->info());
        }
    }
    return result;
}

template <auto Member>
void RulesModule::add_by_rule(MetricFamily& values) const {
    for (const auto& [rule_name, rule] : rules_) {
        values.add(rule->info().*Member, {{"rule", rule_name}});
    }
}

}  // namespace weir::rules

WEIR_PLUGIN(rules, weir::rules::RulesModule)
