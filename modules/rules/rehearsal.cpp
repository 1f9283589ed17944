#include "modules/rules/rehearsal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/settings/duration.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/rules/choice.h"
#include "modules/rules/compile.h"
#include "modules/rules/value_compiler.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/json_writer.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_error.h"
#include "modules/system/event/event_json.h"

namespace weir::rules {

namespace {

// Writes what a rule would do. Values that only a real run knows stand as they are written.
class Rehearsal {
public:
    Rehearsal(const Program& program, const ScriptSettings& script_limits, const Json& event)
        : program_(program), script_limits_(script_limits), frame_(program.slots, unknown_value()) {
        frame_[event_slot] = event;
    }

    std::string go();

private:
    std::string why_not() const;
    std::string paces() const;
    void write(std::size_t depth, const std::string& line) {
        text_ += std::string(2 * depth, ' ') + config::printable(line, std::string::npos) + "\n";
    }
    // Returns whether what follows is reached.
    bool write_all(const Steps& steps, std::size_t depth);
    bool write_step(const Step& step, std::size_t depth);
    void write_branch(const Step& step, std::size_t depth);
    void write_each(const Step& step, std::size_t depth);
    void keep(const Step& step, Json value) {
        if (step.result) {
            frame_[*step.result] = std::move(value);
        }
    }
    std::string json(const Template& value) const { return json_text(value.make(frame_)); }

    const Program& program_;
    const ScriptSettings& script_limits_;
    Frame frame_;
    std::string text_;
};

std::string limits_of(const Step& step) {
    std::string text;
    const bool is_usual = step.kind == Step::Kind::call || step.kind == Step::Kind::send;
    if (step.timeout && !is_usual) {
        text += ", at most " + config::duration_text(*step.timeout);
    }
    if (step.retry) {
        text += ", tried again " + std::to_string(step.retry->times) +
                (step.retry->times == 1 ? " time" : " times");
    }
    return text;
}

std::string Rehearsal::why_not() const {
    for (const auto& [name, value] : program_.on.where) {
        const Json wanted = value.make(frame_);
        const Json& event = frame_[event_slot];
        const auto found = event.find(name);
        if (found == event.end() || *found != wanted) {
            return "event." + name + " is " + (found == event.end() ? "missing" : found->dump()) +
                   ", not " + wanted.dump();
        }
    }
    return program_.condition && !program_.condition->holds(frame_)
               ? program_.condition->why_not(frame_)
               : "";
}

std::string Rehearsal::paces() const {
    std::string text;
    const auto add = [&](const char* name, const std::optional<Pace>& pace) {
        if (pace) {
            text += std::string(", ") + name + " " + config::duration_text(pace->time);
            const std::string by = pace->by.text(frame_);
            text += by.empty() ? "" : " by " + by;
        }
    };
    add("once", program_.once);
    add("debounce", program_.debounce);
    add("throttle", program_.throttle);
    return text;
}

std::string Rehearsal::go() {
    try {
        if (const std::string why = why_not(); !why.empty()) {
            write(0, program_.name + " does not fire: " + why);
            return std::move(text_);
        }
        write(0, program_.name + " fires" + paces() + ":");
        write_all(program_.steps, 1);
    } catch (const ApiException& exception) {
        write(1, "fails: " + to_text(exception.error()));
    }
    return std::move(text_);
}

bool Rehearsal::write_all(const Steps& steps, std::size_t depth) {
    return std::ranges::all_of(steps, [&](const Step& step) { return write_step(step, depth); });
}

bool Rehearsal::write_step(const Step& step, std::size_t depth) {
    const std::string limits = limits_of(step);
    switch (step.kind) {
        case Step::Kind::call:
            write(depth, "call " + to_text(step.function) + " " + json(step.value) + limits);
            keep(step, unknown_value());
            break;
        case Step::Kind::send:
            write(depth, "send " + step.event.type + " " + json(step.value) + limits);
            break;
        case Step::Kind::wait: {
            Json where = Json::object();
            for (const auto& [name, value] : step.event.where) {
                where[name] = value.make(frame_);
            }
            write(depth, "wait for " + step.event.type + (where.empty() ? "" : " " + where.dump()) +
                             limits);
            keep(step, unknown_value());
            break;
        }
        case Step::Kind::branch:
            write_branch(step, depth);
            break;
        case Step::Kind::each:
            write_each(step, depth);
            break;
        case Step::Kind::lock:
            write(depth, "lock " + step.value.text(frame_) + limits + ":");
            keep(step, unknown_value());
            return write_all(step.body, depth + 1);
        case Step::Kind::sleep:
            write(depth, "sleep " + config::duration_text(step.time));
            break;
        case Step::Kind::log:
            write(depth,
                  "log " + std::string(to_string(step.level)) + ": " + step.value.text(frame_));
            break;
        case Step::Kind::set:
            keep(step, step.value.known(frame_) ? step.value.make(frame_) : unknown_value());
            break;
        case Step::Kind::script:
            keep(step,
                 step.script->run(frame_, step.names, script_limits_).value_or(unknown_value()));
            break;
        case Step::Kind::fail:
            write(depth, "fail: " + step.value.text(frame_));
            return !step.on_error.empty() && write_all(step.on_error, depth);
    }
    return true;
}

void Rehearsal::write_branch(const Step& step, std::size_t depth) {
    if (step.condition->known(frame_)) {
        write_all(step.condition->holds(frame_) ? step.body : step.otherwise, depth);
        return;
    }
    const std::array<std::pair<std::string, const Steps*>, 2> branches{
        {{"if " + step.condition->describe() + ":", &step.body}, {"else:", &step.otherwise}}};
    for (const auto& [line, steps] : branches) {
        if (!steps->empty()) {
            write(depth, line);
            write_all(*steps, depth + 1);
        }
    }
}

void Rehearsal::write_each(const Step& step, std::size_t depth) {
    if (!step.value.known(frame_)) {
        write(depth, "for each element of " + step.value.text(frame_) + ":");
        keep(step, unknown_value());
        write_all(step.body, depth + 1);
        return;
    }
    for (const Json& element : step.value.make(frame_)) {
        keep(step, element);
        if (!write_all(step.body, depth)) {
            return;
        }
    }
}

std::string string_member(const config::Value& object, const char* name) {
    const config::Value* const found = object.find(name);
    return found == nullptr ? "" : std::string(found->text().value_or(""));
}

}  // namespace

std::string rehearse_rules(const AppCheck& app, const config::Value& input) {
    const std::string type_name = string_member(input, "type");
    if (type_name.empty()) {
        throw ApiException(EventError::bad_event,
                           R"(expected {"type": "...", "event": {...}}, as weir watch prints it)");
    }
    const EventType* const type = app.find_event(type_name);
    if (type == nullptr || type->description() == nullptr) {
        throw ApiException(EventError::unknown_event,
                           config::unknown_name("event type", type_name, app.described_events()));
    }
    const Ref<Event> event = type->description()->make();
    const config::Value* const members = input.find("event");
    read_event(members == nullptr ? config::Value::object() : *members, *event);
    const Json content = members_of(*event);
    std::string text;
    const auto settings = app.settings<RulesSettings>();
    for (const auto& [name, rule] : settings.rules) {
        const Program program = compile(name, rule, &app);
        const EventType* const about = app.find_event(program.on.type);
        if (about != nullptr && type->is_a(*about)) {
            text += Rehearsal(program, settings.script, content).go();
        }
    }
    return text.empty() ? "no rule is about " + type_name + "\n" : text;
}

}  // namespace weir::rules
