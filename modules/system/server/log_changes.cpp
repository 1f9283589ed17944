#include "modules/system/server/log_changes.h"

#include "config/text/quoted.h"

namespace weir {

namespace {

// A map may be long.
constexpr std::size_t most_characters = 200;

std::string shown(const config::Value& value) {
    return config::printable(config::to_json(value), most_characters);
}

std::string difference(const config::Change& change) {
    const std::string before = shown(change.before);
    const std::string after = shown(change.after);
    return before == after ? "changed, in what is not shown" : before + " -> " + after;
}

}  // namespace

void log_changes(const Scheduler& scheduler, const std::string& section,
                 const std::vector<config::Change>& changes, const std::string& takes_effect) {
    for (const config::Change& change : changes) {
        const std::string text = section + '.' + change.setting + ": " + difference(change);
        if (change.fixed) {
            scheduler.log(LogLevel::warning, text + ", takes effect " + takes_effect);
        } else {
            scheduler.log(LogLevel::info, text);
        }
    }
}

}  // namespace weir
