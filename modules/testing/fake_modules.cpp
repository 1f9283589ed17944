#include "modules/testing/fake_modules.h"

#include <stdexcept>
#include <utility>

#include "core/wait/future.h"
#include "modules/system/module/module.h"

namespace weir {

namespace {

class Failing final : public Module {
public:
    Failing(const ModuleContext& context, std::string why)
        : Module(context), why_(std::move(why)) {}

    Task<> load() override {
        throw std::runtime_error(why_);
        co_return;
    }

private:
    const std::string why_;
};

class Hanging final : public Module {
public:
    using Module::Module;

    Task<> load() override {
        const Future<> never(scheduler());
        co_await never;
    }
};

std::unique_ptr<ModuleClass> fake_module(std::string name, std::string sentence) {
    auto made = std::make_unique<ModuleClass>();
    made->name = std::move(name);
    made->sentence = std::move(sentence);
    return made;
}

}  // namespace

std::unique_ptr<ModuleClass> module_that_fails(std::string name, std::string why) {
    auto made = fake_module(std::move(name), "Fails while it loads");
    made->make = [why = std::move(why)](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<Failing>(context, why);
    };
    return made;
}

std::unique_ptr<ModuleClass> module_that_hangs(std::string name) {
    auto made = fake_module(std::move(name), "Does not end loading");
    made->make = [](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<Hanging>(context);
    };
    return made;
}

}  // namespace weir
