#include "modules/module_log.h"

#include "core/scheduler.h"

namespace weir {

void ModuleLog::write_text(LogLevel level, std::string_view text) const {
    scheduler_.log(level, text, module_);
}

}  // namespace weir
