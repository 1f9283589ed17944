// A module that listens, and runs a process for each line of a client and for each call: for the
// campaign that reloads it.
#include <string>
#include <utility>

#include "core/system/run_program.h"
#include "modules/system/module/module.h"
#include "modules/system/module/plugin.h"
#include "modules/system/net/stream_listener.h"

namespace {

struct RunnerSettings {
    std::string listen;

    static weir::config::Settings<RunnerSettings> describe() {
        return weir::config::settings<RunnerSettings>(
            "Runs processes",
            weir::config::setting("listen", &RunnerSettings::listen, "Where").required());
    }
};

struct Text {
    std::string text;

    static weir::config::Settings<Text> describe() {
        return weir::config::settings<Text>("Returns what a process that was given the text says",
                                            weir::config::setting("text", &Text::text, "What"));
    }
};

// Returns the text, by way of a process.
weir::Task<std::string> said_by_process(std::string text) {
    weir::ProcessOptions options;
    options.command = {"cat"};
    weir::Task<weir::RunResult> running = weir::run_program(std::move(options), std::move(text));
    weir::RunResult result = co_await running;
    co_return std::move(result.output);
}

class Runner final : public weir::ModuleOf<RunnerSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Runner>("runner", "Runs processes")
            .function("say", &Runner::say);
    }

    weir::Task<> load() override {
        co_await listener_.listen(settings().listen,
                                  [this](weir::StreamClient& client) { return serve(client); });
    }

private:
    weir::Task<std::string> say(Text text) {
        weir::Task<std::string> saying = said_by_process(std::move(text.text));
        co_return co_await saying;
    }

    // Answers each line.
    weir::Task<> serve(weir::StreamClient& client) const {
        while (co_await client.next()) {
            const auto line = co_await client->read_line(4096);
            weir::Task<std::string> saying = said_by_process(std::string(line.value()));
            std::string said = co_await saying;
            co_await client->write(said + "\n");
        }
    }

    weir::StreamListener listener_{*this};
};

}  // namespace

WEIR_PLUGIN(runner, Runner)
