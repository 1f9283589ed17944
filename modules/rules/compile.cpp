#include "modules/rules/compile.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <utility>

#include "config/text/joined.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/rules/value_compiler.h"
#include "modules/system/event/event_description.h"
#include "modules/system/module/module_class.h"

namespace weir::rules {

namespace {

constexpr Duration default_timeout = std::chrono::minutes(2);
constexpr const char* kinds_of_steps =
    "call, send, wait, if, each, lock, sleep, log, set, script or fail";

// What a step says it does: the name of the setting, and whether it is given.
struct Given {
    Step::Kind kind;
    const char* name;
    bool given;
};

std::array<Given, 11> given_by(const StepSettings& step) {
    using enum Step::Kind;
    return {{{call, "call", step.call.has_value()},
             {send, "send", step.send.has_value()},
             {wait, "wait", step.wait.has_value()},
             {branch, "if", step.condition.has_value()},
             {each, "each", step.each.has_value()},
             {lock, "lock", step.lock.has_value()},
             {sleep, "sleep", step.sleep.has_value()},
             {log, "log", step.log.has_value()},
             {set, "set", step.set.has_value()},
             {script, "script", step.script.has_value()},
             {fail, "fail", step.fail.has_value()}}};
}

// Returns where a line of a script stands, and which line of the text there it is; 0 if that text
// has no other. `lines` is null if the script is one text.
std::pair<config::Path, std::size_t> place_of_line(const std::vector<std::string>* lines,
                                                   std::size_t line, const config::Path& script) {
    if (lines == nullptr) {
        return {script, line};
    }
    std::size_t before = 0;
    for (std::size_t i = 0; i != lines->size(); ++i) {
        const auto own = 1 + static_cast<std::size_t>(std::ranges::count((*lines)[i], '\n'));
        if (line <= before + own) {
            return {inside(script, i), own == 1 ? 0 : line - before};
        }
        before += own;
    }
    return {script, line};
}

class Compiler {
public:
    explicit Compiler(const AppCheck* app) : values_(app) {}

    Program rule(const std::string& name, const RuleSettings& settings, const config::Path& path);

private:
    Steps steps(const std::vector<StepSettings>& written, const config::Path& path,
                const std::string& place);
    Step step(const StepSettings& written, const config::Path& path, const std::string& place);
    const Given* kind_of(const std::array<Given, 11>& given, const config::Path& path) const;
    void check_rest(const StepSettings& written, Step::Kind kind, const config::Path& path) const;
    void compile_as(Step& made, const StepSettings& written, const config::Path& path);

    void call(Step& made, const StepSettings& written, const config::Path& path);
    void send(Step& made, const StepSettings& written, const config::Path& path);
    void wait(Step& made, const StepSettings& written, const config::Path& path);
    void branch(Step& made, const StepSettings& written, const config::Path& path);
    void each(Step& made, const StepSettings& written, const config::Path& path);
    void lock(Step& made, const StepSettings& written, const config::Path& path);
    void script(Step& made, const StepSettings& written, const config::Path& path);
    void check_references(
        std::string_view script,
        const std::function<void(std::size_t line, const std::string& what)>& report) const;
    void name_result(Step& made, const std::string& name, const Shape& shape,
                     const config::Path& path);
    Template key(std::string_view written, const config::Path& path);
    std::optional<Pace> pace(const std::optional<PaceSettings>& written, const config::Path& path);

    ValueCompiler values_;
};

Program Compiler::rule(const std::string& name, const RuleSettings& settings,
                       const config::Path& path) {
    Program made;
    made.name = name;
    const auto* const start = std::get_if<std::string>(&settings.on);
    if (start != nullptr && *start == "start") {
        made.on_start = true;
    } else {
        const EventType* type = nullptr;
        made.on = values_.event(settings.on, path / "on", &type);
        values_.scope().set(
            event_slot, "event",
            {Shape::object, type == nullptr ? nullptr : &type->description()->members()});
    }
    values_.scope().set(now_slot, "now", {Shape::string});
    if (settings.condition) {
        made.condition = values_.condition(*settings.condition, path / "if");
    }
    if (!settings.fair_by.empty()) {
        made.fair_by = key(settings.fair_by, path / "fair_by");
    }
    made.debounce = pace(settings.debounce, path / "debounce");
    made.throttle = pace(settings.throttle, path / "throttle");
    made.once = pace(settings.once, path / "once");
    made.steps = steps(settings.steps, path / "do", "do");
    made.slots = values_.scope().slots();
    made.uses_now = values_.uses_now();
    made.at_once = settings.at_once;
    made.waiting = settings.waiting;
    made.when_full = settings.when_full;
    made.priority = settings.priority;
    return made;
}

std::optional<Pace> Compiler::pace(const std::optional<PaceSettings>& written,
                                   const config::Path& path) {
    if (!written) {
        return std::nullopt;
    }
    return Pace{written->time, key(written->by, path / "by")};
}

// By what events are told apart. A text without a reference tells none apart, and easily loses
// events: it is a name whose braces were forgotten.
Template Compiler::key(std::string_view written, const config::Path& path) {
    Template made = values_.text(written, path);
    if (values_.app() != nullptr && !written.empty() && made.constant() != nullptr) {
        const std::string text = config::printable(written);
        const bool is_name = written.starts_with("event.");
        values_.app()->warn(path, "a constant text, here '" + text +
                                      "', is the same for all events" +
                                      (is_name ? ": did you mean \"{{" + text + "}}\"?"
                                               : "; a value of the event is \"{{event.MEMBER}}\""));
    }
    return made;
}

// --- steps

Steps Compiler::steps(const std::vector<StepSettings>& written, const config::Path& path,
                      const std::string& place) {
    const NamesInScope::Block block(values_.scope());
    Steps made;
    for (std::size_t i = 0; i != written.size(); ++i) {
        if (!made.empty() && made.back().kind == Step::Kind::fail && made.back().on_error.empty()) {
            values_.report(inside(path, i), "is never reached: the step before it fails");
            break;
        }
        made.push_back(step(written[i], inside(path, i), place + "[" + std::to_string(i) + "]"));
    }
    return made;
}

const Given* Compiler::kind_of(const std::array<Given, 11>& given, const config::Path& path) const {
    const Given* found = nullptr;
    for (const Given& kind : given) {
        if (!kind.given) {
            continue;
        }
        if (found != nullptr) {
            values_.report(path / kind.name, std::string("a step does one thing, and this has '") +
                                                 found->name + "' already");
            return nullptr;
        }
        found = &kind;
    }
    if (found == nullptr) {
        values_.report(path, std::string("does nothing; give one of ") + kinds_of_steps);
    }
    return found;
}

// What belongs to another kind of step is a mistake.
void Compiler::check_rest(const StepSettings& written, Step::Kind kind,
                          const config::Path& path) const {
    using enum Step::Kind;
    struct Rest {
        const char* name;
        bool given;
        bool fits;
        const char* belongs_to;
    };
    const std::array<Rest, 6> rest{
        {{"with", !written.with.empty(), kind == Step::Kind::call || kind == Step::Kind::send,
          "call and send"},
         {"then", !written.then.empty(), kind == Step::Kind::branch, "if"},
         {"else", !written.otherwise.empty(), kind == Step::Kind::branch, "if"},
         {"do", !written.steps.empty(), kind == Step::Kind::each || kind == Step::Kind::lock,
          "each and lock"},
         {"as", !written.as.empty(),
          kind == Step::Kind::call || kind == Step::Kind::wait || kind == Step::Kind::each ||
              kind == Step::Kind::lock || kind == Step::Kind::set || kind == Step::Kind::script,
          "call, wait, each, lock, set and script"},
         {"timeout", written.timeout.has_value(),
          kind != Step::Kind::log && kind != Step::Kind::set && kind != Step::Kind::fail &&
              kind != Step::Kind::script && kind != Step::Kind::sleep,
          "steps that wait"}}};
    for (const Rest& part : rest) {
        if (part.given && !part.fits) {
            values_.report(path / part.name,
                           std::string("belongs to ") + part.belongs_to + " only");
        }
    }
}

Step Compiler::step(const StepSettings& written, const config::Path& path,
                    const std::string& place) {
    Step made;
    made.place = place;
    const std::array<Given, 11> given = given_by(written);
    const Given* const kind = kind_of(given, path);
    if (kind == nullptr) {
        return made;
    }
    made.kind = kind->kind;
    check_rest(written, kind->kind, path);
    if (written.timeout) {
        made.timeout = *written.timeout;
    }
    made.retry = written.retry;
    compile_as(made, written, path);
    if (!written.on_error.empty()) {
        const NamesInScope::Block block(values_.scope());
        made.error = values_.scope().add("error", shape_of_failure());
        made.on_error = steps(written.on_error, path / "on_error", place + ".on_error");
    }
    return made;
}

void Compiler::compile_as(Step& made, const StepSettings& written, const config::Path& path) {
    switch (made.kind) {
        case Step::Kind::call:
            return call(made, written, path);
        case Step::Kind::send:
            return send(made, written, path);
        case Step::Kind::wait:
            return wait(made, written, path);
        case Step::Kind::branch:
            return branch(made, written, path);
        case Step::Kind::each:
            return each(made, written, path);
        case Step::Kind::lock:
            return lock(made, written, path);
        case Step::Kind::sleep:
            made.time = *written.sleep;
            return;
        case Step::Kind::log:
            made.value = values_.text(*written.log, path / "log");
            made.level = written.level;
            return;
        case Step::Kind::set:
            made.value = values_.value(*written.set, path / "set");
            if (written.as.empty()) {
                values_.report(path, "needs `as`: the name of the value");
            }
            return name_result(made, written.as, values_.shape(made.value), path / "as");
        case Step::Kind::script:
            return script(made, written, path);
        case Step::Kind::fail:
            made.value = values_.text(*written.fail, path / "fail");
            return;
    }
}

void Compiler::name_result(Step& made, const std::string& name, const Shape& shape,
                           const config::Path& path) {
    if (name.empty()) {
        return;
    }
    if (name.find('.') != std::string::npos) {
        values_.report(path, "a name has no dot");
    } else if (values_.scope().find(name) != NamesInScope::npos) {
        values_.report(path, "another value has this name");
    } else {
        made.result = values_.scope().add(name, shape);
    }
}

void Compiler::script(Step& made, const StepSettings& written, const config::Path& path) {
    const auto* const lines = std::get_if<std::vector<std::string>>(&*written.script);
    const std::string text =
        lines == nullptr ? std::get<std::string>(*written.script) : config::joined(*lines, "\n");
    const auto report = [&](std::size_t line, const std::string& what) {
        const auto [place, line_there] = place_of_line(lines, line, path / "script");
        values_.report(place,
                       line_there == 0 ? what : "line " + std::to_string(line_there) + ": " + what);
    };
    made.names = values_.names_for(text, path / "script");
    check_references(text, report);
    try {
        made.script = std::make_shared<Script>(text);
    } catch (const ScriptError& error) {
        report(error.line(), error.what());
    }
    name_result(made, written.as, Shape(), path / "as");
}

// A reference in braces is what other steps have; in Lua it is a table in a table, or a text.
void Compiler::check_references(
    std::string_view script,
    const std::function<void(std::size_t line, const std::string& what)>& report) const {
    std::vector<TextPart> parts;
    if (!split_text(script, parts).empty()) {
        return;
    }
    std::size_t line = 1;
    for (const TextPart& part : parts) {
        const std::string name = part.text.substr(0, part.text.find('.'));
        if (part.is_reference && values_.scope().find(name) != NamesInScope::npos) {
            report(line, "a script knows values by their names: write " +
                             config::printable(part.text) + " without {{ and }}");
        }
        line += static_cast<std::size_t>(std::ranges::count(part.text, '\n'));
    }
}

// --- calls and events

void Compiler::call(Step& made, const StepSettings& written, const config::Path& path) {
    const std::string& text = *written.call;
    const std::size_t dot = text.rfind('.');
    made.timeout = made.timeout.value_or(default_timeout);
    if (dot == std::string::npos || dot == 0 || dot + 1 == text.size()) {
        values_.report(path / "call", "expected \"module.function\"");
        return;
    }
    const std::string target = text.substr(0, dot);
    const std::string name = text.substr(dot + 1);
    made.function = ApiName(target, name);
    const ApiFunction* const found =
        values_.app() == nullptr ? nullptr
                                 : values_.app()->find_function(target, name, path / "call");
    const auto names = [&](const config::Setting& parameter, const config::Value& value,
                           const config::Path& place) {
        values_.app()->check_name(target, config::name_in(*parameter.type), value, place);
    };
    made.value = values_.object(written.with, found == nullptr ? nullptr : found->parameters,
                                "parameter", path / "with", path / "call", names);
    if (found != nullptr && found->parameters != nullptr) {
        values_.app()->check_allowed(target, *found->parameters, written.with, path / "with");
    }
    name_result(made, written.as, found == nullptr ? Shape() : result_shape(*found), path / "as");
}

void Compiler::send(Step& made, const StepSettings& written, const config::Path& path) {
    made.event.type = *written.send;
    made.timeout = made.timeout.value_or(default_timeout);
    const EventType* const type = values_.event_type(*written.send, path / "send");
    if (type != nullptr) {
        if (const std::string why = why_not_portable(*type); !why.empty()) {
            values_.report(path / "send", "cannot be sent: " + why);
        }
    }
    made.value =
        values_.object(written.with, type == nullptr ? nullptr : &type->description()->members(),
                       "member", path / "with", path / "send", values_.names_in(type));
}

void Compiler::wait(Step& made, const StepSettings& written, const config::Path& path) {
    const EventType* type = nullptr;
    made.event = values_.event(*written.wait, path / "wait", &type);
    name_result(made, written.as,
                {Shape::object, type == nullptr ? nullptr : &type->description()->members()},
                path / "as");
}

// --- steps with steps in them

void Compiler::branch(Step& made, const StepSettings& written, const config::Path& path) {
    made.condition = values_.condition(*written.condition, path / "if");
    if (written.then.empty() && written.otherwise.empty()) {
        values_.report(path, "does nothing: it has neither `then` nor `else`");
    }
    made.body = steps(written.then, path / "then", made.place + ".then");
    made.otherwise = steps(written.otherwise, path / "else", made.place + ".else");
}

void Compiler::each(Step& made, const StepSettings& written, const config::Path& path) {
    made.value = values_.value(*written.each, path / "each");
    const Shape list = values_.shape(made.value);
    if (!list.fits({Shape::list})) {
        values_.report(path / "each", "expected a list, but this is " + list.describe());
    }
    if (written.steps.empty()) {
        values_.report(path, "does nothing: it has no `do`");
    }
    const Shape element = list.elements == nullptr ? Shape() : Shape{Shape::object, list.elements};
    const NamesInScope::Block block(values_.scope());
    name_result(made, written.as.empty() ? "item" : written.as, element,
                written.as.empty() ? path : path / "as");
    made.body = steps(written.steps, path / "do", made.place + ".do");
}

void Compiler::lock(Step& made, const StepSettings& written, const config::Path& path) {
    made.value = values_.text(*written.lock, path / "lock");
    made.context = written.context;
    made.if_held = written.if_held;
    if (written.steps.empty()) {
        values_.report(path, "does nothing: it has no `do`");
    }
    const NamesInScope::Block block(values_.scope());
    name_result(made, written.as, {Shape::integer}, path / "as");
    made.body = steps(written.steps, path / "do", made.place + ".do");
}

}  // namespace

Program compile(const std::string& name, const RuleSettings& settings, const AppCheck* app) {
    const config::Path rules = app == nullptr ? config::Path("rules") : app->section() / "rules";
    return Compiler(app).rule(name, settings, inside(rules, name));
}

}  // namespace weir::rules
