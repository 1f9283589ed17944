#include "modules/rules/endless.h"

#include <set>
#include <string_view>
#include <vector>

#include "config/text/quoted.h"
#include "modules/system/module/app_check.h"

namespace weir::rules {

namespace {

// A step that each run of a rule comes to, and that sends an event.
struct Sending {
    std::string rule;
    std::string event;
    std::string place;  // "do[0]"
};

// An event that only some values let the rule take, or of which it takes one in a time, may end.
bool takes_each(const Program& program) {
    return !program.on_start && !program.condition && program.on.where.empty() && !program.once &&
           !program.debounce && !program.throttle;
}

void add_sendings(const std::string& rule, const Steps& steps, std::vector<Sending>& found) {
    for (const Step& step : steps) {
        switch (step.kind) {
            case Step::Kind::send:
                found.push_back({rule, step.event.type, step.place});
                break;
            case Step::Kind::lock:
                add_sendings(rule, step.body, found);
                break;
            case Step::Kind::set:
            case Step::Kind::log:
            case Step::Kind::script:
                break;
            default:
                return;  // it waits, branches, or fails
        }
    }
}

}  // namespace

void warn_of_endless_rules(const AppCheck& app, const std::map<std::string, Program>& programs) {
    std::map<std::string, std::vector<Sending>> by_event;  // on which the rule acts
    for (const auto& [name, program] : programs) {
        if (takes_each(program)) {
            add_sendings(name, program.steps, by_event[program.on.type]);
        }
    }
    for (const auto& [event, sendings] : by_event) {
        for (const Sending& first : sendings) {
            std::set<std::string, std::less<>> reached;
            std::vector<std::string> to_look{first.event};
            while (!to_look.empty()) {
                const std::string next = to_look.back();
                to_look.pop_back();
                const auto follows = by_event.find(next);
                if (!reached.insert(next).second || follows == by_event.end()) {
                    continue;
                }
                for (const Sending& sending : follows->second) {
                    to_look.push_back(sending.event);
                }
            }
            if (reached.contains(event)) {
                config::Path place = inside(app.section() / "rules", first.rule);
                place = place / first.place;
                app.warn(place, "this never ends: the event '" + config::printable(first.event) +
                                    "' lets rules run that send '" + config::printable(event) +
                                    "', on which this rule acts, each time");
            }
        }
    }
}

}  // namespace weir::rules
