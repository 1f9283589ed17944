// A complete module: a setting, a function in its API, and a routine.
#include <chrono>

#include <weir/module.h>

namespace {

using weir::config::setting;
using weir::config::settings;

struct HelloSettings {
    std::string greeting = "Hello";

    static weir::config::Settings<HelloSettings> describe() {
        return settings<HelloSettings>(
            "Greets people",
            setting("greeting", &HelloSettings::greeting, "How a greeting begins").not_empty());
    }
};

struct Greet {
    std::string name = "world";
    int times = 1;

    static weir::config::Settings<Greet> describe() {
        return settings<Greet>("Greets a person",
                               setting("name", &Greet::name, "Name of the person"),
                               setting("times", &Greet::times, "How often").range(1, 10));
    }
};

class Hello : public weir::ModuleOf<HelloSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Hello>("hello", "Greets its callers")
            .function("greet", &Hello::greet)
            .function("seconds", "For how many seconds it has been there", &Hello::seconds);
    }

    weir::Task<> load() override {
        start(count(), {.name = "hello.count", .daemon = true});
        co_return;
    }

private:
    std::string greet(const Greet& parameters) {
        std::string text;
        for (int i = 0; i != parameters.times; ++i) {
            text += (text.empty() ? "" : " ") + settings().greeting + ", " + parameters.name + "!";
        }
        return text;
    }

    int seconds() { return seconds_; }

    weir::Task<> count() {
        for (;; ++seconds_) {
            co_await weir::sleep(std::chrono::seconds(1));
        }
    }

    int seconds_ = 0;
};

}  // namespace

WEIR_PLUGIN(hello, Hello)
