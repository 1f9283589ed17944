#include "core/container.h"

namespace weir {

Ref<Routine> Container::make(const StartOptions& options, const std::source_location& at) {
    Ref<Routine> routine(new Routine(scheduler_, *this, options.name, at));
    routine->set_daemon(options.daemon);
    routines_.push_back(*routine);
    return routine;
}

void Container::close() noexcept {
    while (!routines_.empty()) {
        const Ref<Routine> routine(&routines_.back());
        List<Routine, Container>::remove(*routine);
        routine->orphan();
        routine->close();
    }
}

}  // namespace weir
