#include "modules/rules/flows.h"

#include <string>

#include "modules/rules/compile.h"

namespace weir::rules {

namespace {

void add_steps(std::vector<Flow>& flows, const Flow::End& rule, const Steps& steps) {
    for (const Step& step : steps) {
        switch (step.kind) {
            case Step::Kind::call:
                flows.push_back({rule, {Flow::Kind::function, to_text(step.function)}});
                break;
            case Step::Kind::send:
                flows.push_back({rule, {Flow::Kind::event, step.event.type}});
                break;
            case Step::Kind::wait:
                flows.push_back({{Flow::Kind::event, step.event.type}, rule, "waits"});
                break;
            default:
                break;
        }
        add_steps(flows, rule, step.body);
        add_steps(flows, rule, step.otherwise);
        add_steps(flows, rule, step.on_error);
    }
}

}  // namespace

std::vector<Flow> flows_of(const RulesSettings& settings) {
    std::vector<Flow> flows;
    for (const auto& [name, rule] : settings.rules) {
        const Program program = compile(name, rule, nullptr);
        const Flow::End end{Flow::Kind::thing, "rule " + name};
        const Flow::End from = program.on_start ? Flow::End{Flow::Kind::thing, "start"}
                                                : Flow::End{Flow::Kind::event, program.on.type};
        flows.push_back({from, end, program.condition ? program.condition->describe() : ""});
        add_steps(flows, end, program.steps);
    }
    return flows;
}

}  // namespace weir::rules
