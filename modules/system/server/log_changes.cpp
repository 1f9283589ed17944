#include "modules/system/server/log_changes.h"

namespace weir {

void log_changes(const Scheduler& scheduler, const std::string& section,
                 const std::vector<config::Change>& changes, const std::string& takes_effect) {
    for (const config::Change& change : changes) {
        const std::string text = section + '.' + config::to_text(change);
        if (change.fixed) {
            scheduler.log(LogLevel::warning, text + ", takes effect " + takes_effect);
        } else {
            scheduler.log(LogLevel::info, text);
        }
    }
}

}  // namespace weir
