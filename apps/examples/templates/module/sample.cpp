#include <chrono>

#include "core/simulation/failpoint.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "greeted.h"
#include "modules/system/module/plugin.h"

using weir::config::setting;
using weir::config::settings;

// The configuration has them at module.sample.
struct SampleSettings {
    std::string greeting = "Hello";

    static weir::config::Settings<SampleSettings> describe() {
        return settings<SampleSettings>(
            "Greets people",
            setting("greeting", &SampleSettings::greeting, "How a greeting begins").not_empty());
    }
};

// Parameters of the function `greet`.
struct Greet {
    std::string person;

    static weir::config::Settings<Greet> describe() {
        return settings<Greet>("Greets somebody",
                               setting("person", &Greet::person, "Whom").required());
    }
};

class Sample : public weir::ModuleOf<SampleSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Sample>("sample", "Greets people")
            .event<Greeted>()
            // A queue of its own: when a hundred events wait in it, who sends another one waits.
            .queue<Greeted>("sample.greeted", 500, {.max_default = 100})
            .function("greet", &Sample::greet)
            .function("count", "How many were greeted so far", &Sample::count);
    }

    weir::Task<> load() override {
        start(keep_count(), {.name = "sample.keep_count", .daemon = true});
        co_return;
    }

private:
    weir::Task<std::string> greet(Greet parameters) {
        weir::Ref<weir::Event> greeted = weir::make_event<Greeted>(parameters.person);
        co_await weir::send(std::move(greeted));
        // Seldom, and only in tests, whoever greets is lost in thought.
        if (weir::failpoint(*this, "sample.lost-in-thought", 0.3)) {
            co_await weir::sleep(std::chrono::seconds(5));
        }
        co_return settings().greeting + ", " + parameters.person + "!";
    }

    weir::Task<> keep_count() {
        const weir::MatcherOf<Greeted> anybody = weir::match<Greeted>();
        for (;;) {
            co_await anybody;
            ++count_;
        }
    }

    int count() { return count_; }

    int count_ = 0;
};

WEIR_PLUGIN(sample, Sample)
