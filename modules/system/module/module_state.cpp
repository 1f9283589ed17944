#include "modules/system/module/module_state.h"

namespace weir {

std::string_view to_string(ModuleState state) noexcept {
    switch (state) {
        case ModuleState::not_loaded:
            return "not loaded";
        case ModuleState::loading:
            return "loading";
        case ModuleState::loaded:
            return "loaded";
        case ModuleState::succeeded:
            return "succeeded";
        case ModuleState::failed:
            return "failed";
        case ModuleState::unloading:
            return "unloading";
        case ModuleState::unloaded:
            return "unloaded";
    }
    return "in no known state";
}

bool may_change(ModuleState from, ModuleState to) noexcept {
    using enum ModuleState;
    switch (from) {
        case not_loaded:
            return to == loading;
        case loading:
            return to == loaded || to == failed;
        case loaded:
            return to == succeeded || to == failed;
        case succeeded:
            return to == unloading;
        case failed:
            return to == unloading;
        case unloading:
            return to == unloaded || to == succeeded;
        case unloaded:
            return to == loading;
    }
    return false;
}

}  // namespace weir
