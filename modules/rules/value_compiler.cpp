#include "modules/rules/value_compiler.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <re2/re2.h>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/event/event_description.h"

namespace weir::rules {

config::Path inside(config::Path path, std::string_view name) {
    path.push(name);
    return path;
}

config::Path inside(config::Path path, std::size_t index) {
    path.push(index);
    return path;
}

namespace {

std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t dot = text.find('.');
        parts.emplace_back(text.substr(0, dot));
        if (dot == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(dot + 1);
    }
}

bool all_constant(const Template::List& list) {
    return std::ranges::all_of(list, [](const Template& part) { return part.constant(); });
}

bool all_constant(const Template::Object& object) {
    return std::ranges::all_of(object, [](const auto& part) { return part.second.constant(); });
}

// A value in which nothing has to be looked up is made once.
Template folded(Template::Content content, bool constant) {
    const Template made(std::move(content));
    return constant ? Template(made.make({})) : made;
}

}  // namespace

void ValueCompiler::report(const config::Path& path, const std::string& what) const {
    if (app_ == nullptr) {
        throw std::invalid_argument(path.text() + ": " + what);
    }
    app_->report(path, what);
}

// --- values

Template ValueCompiler::value(const config::Value& written, const config::Path& path) {
    if (const auto* text_value = written.get<std::string>()) {
        return text(*text_value, path);
    }
    if (const auto* elements = written.get<config::Value::List>()) {
        Template::List list;
        for (std::size_t i = 0; i != elements->size(); ++i) {
            list.push_back(value((*elements)[i], inside(path, i)));
        }
        const bool constant = all_constant(list);
        return folded(std::move(list), constant);
    }
    if (const auto* members = written.get<config::Value::Object>()) {
        Template::Object object;
        for (const config::Member& member : *members) {
            object.emplace_back(member.name, value(member.value, inside(path, member.name)));
        }
        const bool constant = all_constant(object);
        return folded(std::move(object), constant);
    }
    return Template(json_of(written));
}

Template ValueCompiler::text(std::string_view written, const config::Path& path) {
    std::vector<TextPart> parts;
    if (const std::string wrong = split_text(written, parts); !wrong.empty()) {
        report(path, wrong);
        return {};
    }
    if (parts.empty()) {
        return Template(Json(""));
    }
    if (parts.size() == 1) {
        return parts[0].is_reference ? Template(reference(parts[0].text, path))
                                     : Template(Json(std::move(parts[0].text)));
    }
    Template::Text text;
    for (TextPart& part : parts) {
        if (part.is_reference) {
            text.emplace_back(reference(part.text, path));
        } else {
            text.emplace_back(std::move(part.text));
        }
    }
    return Template(std::move(text));
}

Reference ValueCompiler::reference(std::string_view written, const config::Path& path) {
    Reference made;
    made.text = written;
    made.path = parts_of(written);
    const std::size_t slot = scope_.find(made.path.front());
    if (slot == NamesInScope::npos) {
        report(path, config::unknown_name("value", made.path.front(), scope_.names()));
        return made;
    }
    made.slot = slot;
    uses_now_ = uses_now_ || slot == now_slot;
    made.path.erase(made.path.begin());
    check_path(made, path);
    return made;
}

std::vector<Script::Name> ValueCompiler::names_for(std::string_view script,
                                                   const config::Path& path) {
    std::vector<Script::Name> known;
    for (const std::string& name : scope_.names()) {
        known.push_back({name, scope_.find(name)});
        // The failure in `on_error` can be called as the function.
        if (Script::has_function(name) && name != "error") {
            report(path, "the value '" + name +
                             "' hides what scripts have under this name; give it another name");
        }
        uses_now_ =
            uses_now_ || (known.back().slot == now_slot && script.find(name) != script.npos);
    }
    return known;
}

void ValueCompiler::check_path(const Reference& reference, const config::Path& path) const {
    Shape shape = scope_.shape(reference.slot);
    for (const std::string& name : reference.path) {
        if (shape.members != nullptr) {
            const config::Setting* member = shape.members->find(name);
            if (member == nullptr) {
                report(path, "{{" + config::printable(reference.text) + "}}: " +
                                 config::unknown_name("member", name, shape.members->names()));
                return;
            }
            shape = shape_of(*member->type);
        } else if (shape.elements != nullptr) {
            shape = {Shape::object, shape.elements};
        } else if ((shape.kinds & (Shape::object | Shape::list)) == 0) {
            report(path, "{{" + config::printable(reference.text) + "}}: there is no '" +
                             config::printable(name) + "' in " + shape.describe());
            return;
        } else {
            return;
        }
    }
}

Shape ValueCompiler::shape(const Template& value) const {
    if (const Json* constant = value.constant()) {
        return shape_of(*constant);
    }
    if (const Reference* reference = value.reference()) {
        Shape shape = scope_.shape(reference->slot);
        for (const std::string& name : reference->path) {
            if (shape.members != nullptr) {
                const config::Setting* member = shape.members->find(name);
                shape = member == nullptr ? Shape() : shape_of(*member->type);
            } else {
                shape = shape.elements == nullptr ? Shape() : Shape{Shape::object, shape.elements};
            }
        }
        return shape;
    }
    if (std::holds_alternative<Template::Text>(value.content())) {
        return {Shape::string};
    }
    return {std::holds_alternative<Template::List>(value.content()) ? unsigned{Shape::list}
                                                                    : unsigned{Shape::object}};
}

std::string ValueCompiler::describe(const Template& value) const {
    const Reference* const reference = value.reference();
    return (reference == nullptr ? "this" : "{{" + config::printable(reference->text) + "}}") +
           " is " + shape(value).describe();
}

// --- values that have to fit a description

Template ValueCompiler::object(const std::map<std::string, config::Value>& written,
                               const config::Description* wanted, std::string_view kind,
                               const config::Path& path, const config::Path& owner,
                               const NameCheck& check_name) {
    Template::Object made;
    for (const auto& [name, member] : written) {
        const config::Path place = inside(path, name);
        Template compiled = value(member, place);
        if (wanted != nullptr) {
            if (const config::Setting* setting = wanted->find(name)) {
                check_fits(compiled, member, *setting, *wanted, place, check_name);
            } else {
                report(place, config::unknown_name(kind, name, wanted->names()));
            }
        }
        made.emplace_back(name, std::move(compiled));
    }
    if (wanted != nullptr) {
        for (const config::Setting& setting : wanted->settings()) {
            if (setting.required && !written.contains(setting.name)) {
                report(owner, "needs the " + std::string(kind) + " '" + setting.name + "'");
            }
        }
    }
    const bool constant = all_constant(made);
    return folded(std::move(made), constant);
}

void ValueCompiler::check_fits(const Template& value, const config::Value& written,
                               const config::Setting& wanted, const config::Description& owner,
                               const config::Path& path, const NameCheck& check_name) {
    if (value.constant() != nullptr) {
        app_->check_value(owner, wanted, written, path);
        check_name(wanted, written, path);
        return;
    }
    const Shape expected = shape_of(*wanted.type);
    if (!shape(value).fits(expected)) {
        report(path, "expected " + expected.describe() + ", but " + describe(value));
    }
}

ValueCompiler::NameCheck ValueCompiler::names_in(const EventType* type) const {
    return [this, type](const config::Setting& member, const config::Value& written,
                        const config::Path& path) {
        app_->check_name(*type, name_in_event(member), written, path);
    };
}

// --- events

const EventType* ValueCompiler::event_type(const std::string& name,
                                           const config::Path& path) const {
    if (app_ == nullptr) {
        return nullptr;
    }
    const EventType* const type = app_->require_event(name, path);
    if (type != nullptr && type->description() == nullptr) {
        report(path,
               "the events of '" + name +
                   "' cannot be used here: their declaration does not describe their members");
        return nullptr;
    }
    return type;
}

EventChoice ValueCompiler::event(const TriggerSettings& written, const config::Path& path,
                                 const EventType** type) {
    EventChoice made;
    *type = nullptr;
    if (const auto* name = std::get_if<std::string>(&written)) {
        made.type = *name;
        *type = event_type(*name, path);
        return made;
    }
    const auto& settings = std::get<EventSettings>(written);
    made.type = settings.event;
    *type = event_type(settings.event, path / "event");
    const config::Description* const members =
        *type == nullptr ? nullptr : &(*type)->description()->members();
    for (const auto& [name, member] : settings.where) {
        const config::Path place = inside(path / "where", name);
        Template compiled = value(member, place);
        if (members != nullptr) {
            if (const config::Setting* setting = members->find(name)) {
                check_fits(compiled, member, *setting, *members, place, names_in(*type));
            } else {
                report(place, config::unknown_name("member", name, members->names()));
            }
        }
        made.where.emplace_back(name, std::move(compiled));
    }
    return made;
}

// --- conditions

Condition ValueCompiler::condition(const ConditionSettings& written, const config::Path& path) {
    Condition made;
    if (written.member && written.value) {
        report(path / "value", "there is a member already; a condition looks at one value");
    }
    if (written.member) {
        made.subject = Template(reference("event." + *written.member, path / "member"));
    } else if (written.value) {
        made.subject = value(*written.value, path / "value");
    }
    using enum Condition::Operator;
    add_test(made, is, written.is, "is", path);
    add_test(made, is_not, written.is_not, "is_not", path);
    add_test(made, above, written.above, "above", path);
    add_test(made, below, written.below, "below", path);
    add_test(made, at_least, written.at_least, "at_least", path);
    add_test(made, at_most, written.at_most, "at_most", path);
    if (written.one_of) {
        add_test(made, one_of, config::Value(*written.one_of), "one_of", path);
    }
    add_pattern(made, written, path);
    if (written.exists) {
        made.tests.push_back({exists, Template(Json(*written.exists))});
    }
    const auto add_all = [&](const char* name, const std::vector<ConditionSettings>& parts,
                             std::vector<Condition>& compiled) {
        for (std::size_t i = 0; i != parts.size(); ++i) {
            compiled.push_back(condition(parts[i], inside(path / name, i)));
        }
    };
    add_all("all", written.all, made.all);
    add_all("any", written.any, made.any);
    add_all("none", written.none, made.none);
    if (made.subject && made.tests.empty()) {
        report(path,
               "says nothing about its value; give one of is, is_not, above, below, "
               "at_least, at_most, one_of, matches, exists");
    } else if (!made.subject && !made.tests.empty()) {
        report(path, "looks at no value; give a member, or a value");
    } else if (!made.subject && made.all.empty() && made.any.empty() && made.none.empty()) {
        report(path, "is empty");
    }
    return made;
}

void ValueCompiler::add_test(Condition& condition, Condition::Operator what,
                             const std::optional<config::Value>& operand, const char* name,
                             const config::Path& path) {
    if (!operand) {
        return;
    }
    const config::Path place = path / name;
    Template compiled = value(*operand, place);
    const bool needs_list = what == Condition::Operator::one_of;
    if (condition.subject && !needs_list) {
        const Shape looked_at = shape(*condition.subject);
        if (!looked_at.fits(shape(compiled))) {
            report(place, describe(*condition.subject) + ", and this is " +
                              shape(compiled).describe() + ": they cannot be compared");
        }
    }
    condition.tests.push_back({what, std::move(compiled)});
}

void ValueCompiler::add_pattern(Condition& condition, const ConditionSettings& written,
                                const config::Path& path) {
    if (!written.matches) {
        return;
    }
    const config::Path place = path / "matches";
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto pattern = std::make_shared<const re2::RE2>(*written.matches, options);
    if (!pattern->ok()) {
        report(place, "is no regular expression: " + pattern->error());
    }
    if (condition.subject && !shape(*condition.subject).fits({Shape::string})) {
        report(place, describe(*condition.subject) + ", and only a text can match");
    }
    condition.tests.push_back(
        {Condition::Operator::matches, Template(Json(*written.matches)), std::move(pattern)});
}

}  // namespace weir::rules
