#pragma once

#include <source_location>
#include <utility>

#include "core/run/container.h"
#include "core/run/routine.h"
#include "core/run/task.h"

namespace weir {

// Starts routines of which only the newest counts, such as one that reads a file again: starting
// another closes the one before, where it waits. So an older one cannot end last and undo what a
// newer one has done. Must not be called by the routine itself.
class NewestRoutine {
public:
    // The container owns the routines, and must outlive this.
    explicit NewestRoutine(Container& container) noexcept : container_(container) {}
    NewestRoutine(const NewestRoutine&) = delete;
    NewestRoutine& operator=(const NewestRoutine&) = delete;

    void start(Task<> task, StartOptions options,
               const std::source_location& at = std::source_location::current()) {
        close();
        routine_ = container_.start(std::move(task), std::move(options), at);
    }
    // Closes the newest one, if it has not ended.
    void close() noexcept {
        if (routine_ != nullptr) {
            std::exchange(routine_, nullptr)->close();
        }
    }

private:
    Container& container_;
    Ref<Routine> routine_;
};

}  // namespace weir
