#include "config/settings/changes.h"

#include <cstddef>
#include <string>
#include <utility>

#include "config/document/path.h"
#include "config/text/joined.h"
#include "config/text/quoted.h"

namespace weir::config {

namespace {

// In characters.
constexpr std::size_t longest_shown_whole = 200;
constexpr std::size_t longest_part = 60;
constexpr std::size_t longest_path = 100;

constexpr std::size_t most_differences = 10;

std::string arrow(const Value& before, const Value& after, std::size_t longest) {
    return printable(to_json(before), longest) + " -> " + printable(to_json(after), longest);
}

// What differs between two values, in the order of the first, then of what the second has more.
class Differences {
public:
    Differences(const Value& before, const Value& after) { compare(before, after, {}); }

    std::string text() const {
        std::string all = joined(shown_);
        if (count_ > shown_.size()) {
            all += ", and " + std::to_string(count_ - shown_.size()) + " more";
        }
        return all;
    }

private:
    void compare(const Value& before, const Value& after, const Path& path) {
        if (before == after) {
            return;
        }
        const auto* const old_list = before.get<Value::List>();
        const auto* const new_list = after.get<Value::List>();
        if (before.is_object() && after.is_object()) {
            compare_members(before, after, path);
        } else if (old_list != nullptr && new_list != nullptr) {
            compare_elements(*old_list, *new_list, path);
        } else {
            note(path, ": " + arrow(before, after, longest_part));
        }
    }

    void compare_members(const Value& before, const Value& after, const Path& path) {
        for (const Member& member : *before.get<Value::Object>()) {
            Path inner = path;
            inner.push(member.name);
            if (const Value* const now = after.find(member.name)) {
                compare(member.value, *now, inner);
            } else {
                note(inner, " removed");
            }
        }
        for (const Member& member : *after.get<Value::Object>()) {
            if (before.find(member.name) == nullptr) {
                Path inner = path;
                inner.push(member.name);
                note(inner, " added");
            }
        }
    }

    // Elements have no names: with one more or less, all that follow it differ.
    void compare_elements(const Value::List& before, const Value::List& after, const Path& path) {
        if (before.size() != after.size()) {
            note(path, ": " + std::to_string(before.size()) + " elements -> " +
                           std::to_string(after.size()));
            return;
        }
        for (std::size_t i = 0; i != before.size(); ++i) {
            Path inner = path;
            inner.push(i);
            compare(before[i], after[i], inner);
        }
    }

    void note(const Path& path, const std::string& what) {
        if (++count_ <= most_differences) {
            const std::string place = path.text();
            shown_.push_back(place.empty() ? what.substr(what.find_first_not_of(": "))
                                           : printable(place, longest_path) + what);
        }
    }

    std::vector<std::string> shown_;
    std::size_t count_ = 0;
};

}  // namespace

std::string to_text(const Change& change) {
    if (change.before == change.after) {
        return change.setting + ": changed, in what is not shown";  // a secret
    }
    const std::string whole = arrow(change.before, change.after, std::string::npos);
    return change.setting + ": " +
           (whole.size() <= longest_shown_whole ? whole
                                                : Differences(change.before, change.after).text());
}

std::vector<Change> changes(const Description& description, const void* before, const void* after) {
    std::vector<Change> result;
    for (const Setting& setting : description.settings()) {
        const void* old_value = setting.value_in(before);
        const void* new_value = setting.value_in(after);
        if (setting.type->equal(old_value, new_value)) continue;
        const Nested nested = setting.type->nested();
        if (nested.is_member && !setting.secret) {
            for (Change& inner : changes(*nested.description, old_value, new_value)) {
                inner.setting = setting.name + "." + inner.setting;
                inner.fixed = inner.fixed || setting.fixed;
                result.push_back(std::move(inner));
            }
        } else {
            result.push_back({setting.name, setting.fixed, setting.shown_value(before),
                              setting.shown_value(after)});
        }
    }
    return result;
}

bool keep_fixed(const Description& description, const void* before, void* after) {
    bool differs = false;
    for (const Setting& setting : description.settings()) {
        const void* old_value = setting.value_in(before);
        void* new_value = setting.value_in(after);
        if (setting.type->equal(old_value, new_value)) continue;
        const Nested nested = setting.type->nested();
        if (setting.fixed) {
            setting.type->assign(old_value, new_value);
        } else if (nested.is_member) {
            differs = keep_fixed(*nested.description, old_value, new_value) || differs;
        } else {
            differs = true;
        }
    }
    return differs;
}

}  // namespace weir::config
