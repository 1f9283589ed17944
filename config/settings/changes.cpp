#include "config/settings/changes.h"

#include <utility>

namespace weir::config {

std::string to_text(const Change& change) {
    return change.setting + ": " + to_json(change.before) + " -> " + to_json(change.after);
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
