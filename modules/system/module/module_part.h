#pragma once

#include <string>

#include "core/base/list.h"
#include "core/run/task.h"

namespace weir {

class Module;

// A part of a module that a reload passes on to the next version, whose part of the same name and
// type takes over what this has: a listener with its clients. Make it a member of the module;
// derive from it in code that is no plugin's, so that both versions have the same type.
class ModulePart : public Link<ModulePart, Module> {
public:
    ModulePart(Module& module, std::string name);
    ModulePart(const ModulePart&) = delete;
    ModulePart& operator=(const ModulePart&) = delete;
    virtual ~ModulePart() = default;

    Module& module() const noexcept { return module_; }
    const std::string& name() const noexcept { return name_; }

    // --- for the module, and the loader

    // In a reload: all of take_over() that may fail. The old version still works, and does so on if
    // anything fails.
    virtual void prepare_to_take_over() {}
    // The module has taken the place of the old version, in this moment.
    virtual void take_over() noexcept {}
    // Ends in order what it has, before Module::unload(). Unwound when that takes too long.
    virtual Task<> end() = 0;
    // Unloading the module was refused: undoes end(), as far as that has come.
    virtual void go_on() {}

protected:
    // In a reload, until take_over() has returned: the old version's part of the same name and
    // type. Null if there is none.
    ModulePart* predecessor() const noexcept;

private:
    Module& module_;
    const std::string name_;
};

}  // namespace weir
