#include "modules/system/module/module_log.h"

#include "core/run/scheduler.h"

namespace weir {

void ModuleLog::write_text(LogLevel level, std::string_view text) const {
    scheduler_.log(level, text, module_);
}

}  // namespace weir
