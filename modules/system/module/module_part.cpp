#include "modules/system/module/module_part.h"

#include <typeinfo>
#include <utility>

#include "modules/system/module/module.h"

namespace weir {

ModulePart::ModulePart(Module& module, std::string name) : module_(module), name_(std::move(name)) {
    module.parts().push_back(*this);
}

ModulePart* ModulePart::predecessor() const noexcept {
    Module* const old = module_.predecessor();
    if (old == nullptr) {
        return nullptr;
    }
    for (ModulePart& part : old->parts()) {
        if (part.name_ == name_ && typeid(part) == typeid(*this)) {
            return &part;
        }
    }
    return nullptr;
}

}  // namespace weir
