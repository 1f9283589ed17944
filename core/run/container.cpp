#include "core/run/container.h"

namespace weir {

Ref<Routine> Container::make(StartOptions options, const std::source_location& at) {
    Ref<Routine> routine(new Routine(scheduler_, *this, std::move(options.name.rare_), at));
    routine->set_daemon(options.daemon);
    routines_.push_back(*routine);
    return routine;
}

Ref<Routine> Container::make(const std::source_location& at) {
    Ref<Routine> routine(new Routine(scheduler_, *this, nullptr, at));
    routines_.push_back(*routine);
    return routine;
}

// A routine that is unwound may start and close others: the list is looked at anew each time.
void Container::close() noexcept {
    while (!routines_.empty()) {
        const Ref<Routine> routine(&routines_.back());
        List<Routine, Container>::remove(*routine);
        routine->orphan();
        routine->close();
    }
}

}  // namespace weir
