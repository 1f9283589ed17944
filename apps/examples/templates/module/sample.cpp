#include <chrono>

#include <weir/module.h>

#include "greeted.h"

using weir::config::setting;
using weir::config::settings;

// Their path in a configuration is module.sample.
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
        return settings<Greet>("Greets a person",
                               setting("person", &Greet::person, "Whom").required());
    }
};

class Sample : public weir::ModuleOf<SampleSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Sample>("sample", "Greets people")
            .event<Greeted>()
            // A queue for the event: when it holds a hundred, senders wait.
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
        co_await weir::send(weir::make_event<Greeted>(parameters.person));
        // Rarely, and only in tests, the answer is slow.
        if (weir::failpoint(*this, "sample.slow-answer", 0.3)) {
            co_await weir::sleep(std::chrono::seconds(5));
        }
        co_return settings().greeting + ", " + parameters.person + "!";
    }

    weir::Task<> keep_count() {
        const weir::MatcherOf<Greeted> any_greeting = weir::match<Greeted>();
        for (;;) {
            co_await any_greeting;
            ++count_;
        }
    }

    int count() { return count_; }

    int count_ = 0;
};

WEIR_PLUGIN(sample, Sample)
