#include "config/document/environment.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "config/document/document.h"
#include "config/text/quoted.h"
#include "config/text/utf8.h"

namespace weir::config {

namespace {

bool is_variable_name(std::string_view name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && letter(name[0]) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

// Gives the value and all that is in it the position of the string that it replaces.
void place(Value& value, const Position& position) {
    value.position = position;
    if (auto* list = value.get<Value::List>()) {
        for (Value& element : *list) place(element, position);
    } else if (auto* members = value.get<Value::Object>()) {
        for (Member& member : *members) {
            member.position = position;
            place(member.value, position);
        }
    }
}

class Expander {
public:
    Expander(const Environment& environment, Allowance& allowance, Problems& problems)
        : environment_(environment), allowance_(allowance), problems_(problems) {}

    void expand(Value& value) {
        if (auto* list = value.get<Value::List>()) {
            for (std::size_t index = 0; index < list->size(); ++index) {
                path_.push(index);
                expand((*list)[index]);
                path_.pop();
            }
        } else if (auto* members = value.get<Value::Object>()) {
            for (Member& member : *members) {
                path_.push(member.name);
                expand(member.value);
                path_.pop();
            }
        } else if (const auto* string = value.get<std::string>()) {
            if (string->find('$') != std::string::npos) expand_string(value, std::string(*string));
        }
    }

private:
    void expand_string(Value& value, const std::string& written) {
        std::string text, wrong;
        std::size_t references = 0;
        bool whole = false;  // the string is one reference and nothing else
        std::string_view rest = written;
        while (!rest.empty() && wrong.empty()) {
            const std::size_t dollar = std::min(rest.find('$'), rest.size());
            text += rest.substr(0, dollar);
            rest.remove_prefix(dollar);
            if (rest.substr(0, 2) == "$$") {
                text += '$';
                rest.remove_prefix(2);
            } else if (rest.substr(0, 2) == "${") {
                const std::string_view reference = rest.substr(0, rest.find('}'));
                whole = reference.size() + 1 == written.size();
                ++references;
                wrong = append_reference(text, reference, rest.size() > reference.size());
                rest.remove_prefix(std::min(reference.size() + 1, rest.size()));
            } else if (!rest.empty()) {
                text += '$';
                rest.remove_prefix(1);
            }
        }
        if (!wrong.empty()) {
            problems_.add(value.position, path_, std::move(wrong));
            value.substitution = std::make_shared<Substitution>(Substitution{written, "", true});
            return;
        }
        const Position position = value.position;
        if (whole) {
            value = value_from_text(text, position.source, allowance_, false);
        } else {
            value = text;
        }
        place(value, position);
        if (references > 0) {
            value.substitution = std::make_shared<Substitution>(Substitution{written, text});
        }
    }

    // Appends the replacement of `${NAME` or `${NAME:-text`. Returns what is wrong, or "".
    std::string append_reference(std::string& text, std::string_view reference, bool closed) {
        const std::string shown = in_quotes(std::string(reference) + (closed ? "}" : ""));
        if (!closed) return "in " + shown + ", '}' is missing";
        const std::string_view content = reference.substr(2);
        const std::size_t separator = content.find(":-");
        const std::string_view name = content.substr(0, separator);
        if (!is_variable_name(name)) {
            return shown + " is not the name of an environment variable ('$$' stands for '$')";
        }
        std::string_view replacement;
        const auto found = environment_.find(name);
        if (found != environment_.end()) replacement = found->second;
        if (separator != std::string_view::npos) {
            if (replacement.empty()) replacement = content.substr(separator + 2);
        } else if (found == environment_.end()) {
            return "the environment variable " + printable(name) + " is not set";
        }
        if (utf8_prefix(replacement) < replacement.size()) {
            return "the environment variable " + printable(name) + " is not UTF-8";
        }
        if (!allowance_.take_bytes(replacement.size())) {
            return "with this environment variable, all texts are longer than " +
                   std::to_string(allowance_.limits().all_text_bytes) + " bytes";
        }
        text += replacement;
        return "";
    }

    const Environment& environment_;
    Allowance& allowance_;
    Problems& problems_;
    Path path_;
};

}  // namespace

Environment process_environment() {
    Environment result;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view variable = *entry;
        const std::size_t equals = variable.find('=');
        if (equals == std::string_view::npos) continue;
        result.emplace(variable.substr(0, equals), variable.substr(equals + 1));
    }
    return result;
}

void expand_references(Value& value, const Environment& environment, Allowance& allowance,
                       Problems& problems) {
    Expander(environment, allowance, problems).expand(value);
}

Value value_from_text(const std::string& text, std::shared_ptr<const Source> source,
                      Allowance& allowance, bool unquote) {
    Problems not_json;
    std::optional<Value> parsed = read_document(text, source, allowance, not_json);
    const bool is_json = parsed && not_json.empty();
    if (is_json && parsed->is_string() && unquote) return *parsed;
    Value result = is_json && !parsed->is_string() ? *std::move(parsed) : Value(text);
    result.substitution = std::make_shared<Substitution>(Substitution{"", text});
    return result;
}

}  // namespace weir::config
