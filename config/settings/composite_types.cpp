#include "config/settings/composite_types.h"

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"

namespace weir::config {

namespace {

// Returns whether another fragment of the same layer gives a value, so that one of the two is lost.
bool has_null_twin(const Fragments& fragments, std::size_t index) {
    const auto order = [&](std::size_t i) { return fragments[i].origin->order; };
    return (index > 0 && order(index - 1) == order(index)) ||
           (index + 1 < fragments.size() && order(index + 1) == order(index));
}

bool is_null(const Fragment& fragment) {
    return fragment.plain() && fragment.plain()->is_null();
}

}  // namespace

Fragments after_null(const Fragments& fragments, Reader& reader, const AtNull& at_null) {
    Fragments rest;
    for (std::size_t index = 0; index < fragments.size(); ++index) {
        if (!is_null(fragments[index])) {
            rest.push_back(fragments[index]);
            continue;
        }
        if (has_null_twin(fragments, index)) reader.report_twins(fragments);
        at_null(fragments[index], rest);
        rest.clear();
    }
    return rest;
}

void report_nothing_to_remove(const Fragment& null, std::string_view name,
                              const NamedFragments& entries, std::vector<std::string> initial,
                              Reader& reader) {
    std::vector<std::string> known = std::move(initial);
    for (const auto& [other, fragments] : entries) {
        const bool is_one = !std::all_of(fragments.begin(), fragments.end(), is_null);
        if (is_one && other != name) known.emplace_back(other);
    }
    reader.problem_of_name(null, "null removes an entry of a layer below, and there is no '" +
                                     printable(name) + "'" + did_you_mean(name, known));
}

Value or_null(Value schema) {
    auto& members = *schema.get<Value::Object>();
    const auto member = [&](std::string_view name) {
        const auto found = std::find_if(members.begin(), members.end(),
                                        [&](const Member& m) { return m.name == name; });
        return found == members.end() ? nullptr : &found->value;
    };
    // Keywords such as "minimum" and "properties" do not apply to null, so that they can stay.
    if (Value* type = member("type")) {
        if (!type->is_list()) *type = Value::list().add(Value(*type));
        type->add("null");
    } else if (Value* any = member("anyOf")) {
        any->add(Value::object().add("type", "null"));
    } else if (!members.empty()) {
        Value any_of = Value::list().add(Value(schema)).add(Value::object().add("type", "null"));
        return Value::object().add("anyOf", std::move(any_of));
    }
    return schema;
}

void AnyType::read(const Fragments& fragments, void* value, Reader& reader) const {
    const auto is_object = [](const Fragment& fragment) { return fragment.is_object(); };
    if (!std::all_of(fragments.begin(), fragments.end(), is_object)) reader.report_twins(fragments);
    if (std::optional<Value> result = merged(fragments)) {
        *static_cast<Value*>(value) = *std::move(result);
    }
}

std::string plural(const std::string& type_name) {
    std::string result;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = std::min(type_name.find(" or ", begin), type_name.size());
        const std::string noun = type_name.substr(begin, end - begin);
        const std::size_t word = std::min(noun.find(' '), noun.size());
        const bool plain = noun != "null" && noun.substr(0, word) != "any";
        result += noun.substr(0, word) + (plain ? "s" : "") + noun.substr(word);
        if (end == type_name.size()) return result;
        result += " or ";
        begin = end + 4;
    }
}

}  // namespace weir::config
