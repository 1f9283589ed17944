#include "modules/testing/simulated_server.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "core/wait/do_events.h"
#include "modules/system/server/library_users.h"
#include "modules/testing/allocations.h"
#include "modules/testing/app_text.h"
#include "modules/testing/framework.h"
#include "modules/testing/living.h"

namespace weir {

namespace {

// The most rounds of one run in which memory may run out.
constexpr int most_failures = 1000;

// Lets the last events reach their waiters.
Task<> settle() {
    for (int i = 0; i != 3; ++i) {
        co_await do_events();
    }
}

}  // namespace

SimulatedServer::SimulatedServer(config::Configuration configuration, Registry registry,
                                 std::uint64_t seed)
    : plugins_before_(mapped_plugins()),
      simulation_(seed),
      trace_(simulation_),
      server_(std::make_unique<Server>(
          simulation_, std::move(configuration),
          ServerOptions{.registry = std::move(registry),
                        .log =
                            [this](const LogRecord& record) {
                                // Logging a failed allocation must not fail itself.
                                const AllocationPause no_failure;
                                if (record.level >= LogLevel::warning) {
                                    log_ += std::string(to_string(record.level)) + ": " +
                                            std::string(record.text) + "\n";
                                }
                            }})),
      queues_before_(queue_paths(*server_)) {}

SimulatedServer::~SimulatedServer() {
    if (std::uncaught_exceptions() != 0) {
        strict_ = false;  // the test has failed already
    }
    try {
        finish();
    } catch (const std::exception& exception) {
        fail_test(std::string("ending the simulated server threw: ") + exception.what());
    }
}

config::Configuration SimulatedServer::read(std::string_view text, std::string_view plugin_path) {
    return read_app_text(text, plugin_path);
}

// --- running

void SimulatedServer::run(Task<> task) {
    Container container(scheduler());
    container.start(std::move(task), {.name = "test"});
    server_->start_modules();
    go();
    for (const Routine& routine : container.routines()) {
        fail_test("the test does not end: " + describe_wait(routine));
    }
    container.close();
    if (scheduler().quitting()) {
        stop();
    }
    container.start(unload_modules(), {.name = "unloading all"});
    go();
    if (scheduler().quitting()) {
        stop();
    }
}

// Runs until only daemons are left. Unlike Scheduler::run() it does not close the daemons, so that
// what a module leaves behind is visible. Continues when memory runs out, as any caller of round()
// may.
void SimulatedServer::go() {
    bool can_happen = true;
    bool after_poll = running_;  // starts what was begun since the last run
    for (int failures = 0;;) {
        try {
            if (!running_) {
                scheduler().begin();
                running_ = true;
            }
            if (after_poll) {
                scheduler().after_poll();
                after_poll = false;
            }
            if (!scheduler().round(can_happen)) {
                return;
            }
            can_happen = simulation_.poll(scheduler().time_to_wait());
            after_poll = true;
        } catch (const std::bad_alloc&) {
            scheduler().log_exception("a round of the scheduler ended");
            if (++failures == most_failures) {
                throw;
            }
        }
    }
}

void SimulatedServer::stop() {
    if (std::exchange(running_, false)) {
        scheduler().end();
    }
}

Task<> SimulatedServer::unload_modules() {
    if (strict_) {
        try {
            co_await loader().unload_all();
        } catch (const LoadException& exception) {
            living_.push_back(exception.what());
        }
    }
    co_await loader().unload_all(true);
    co_await settle();
}

// --- the end

void SimulatedServer::find_living() {
    {
        Container container(scheduler());
        container.start(settle(), {.name = "the end of the test"});
        go();
    }
    for (std::string& what : what_lives(*server_, queues_before_)) {
        living_.push_back(std::move(what));
    }
}

// Finds what remains after the server is destroyed.
void SimulatedServer::find_left_over() {
    for (const std::string& plugin : mapped_plugins()) {
        if (!plugins_stay && std::ranges::find(plugins_before_, plugin) == plugins_before_.end()) {
            living_.push_back("in memory, the plugin " + plugin);
        }
    }
    if (const std::ptrdiff_t blocks = pool_.living(); blocks > 0) {
        living_.push_back(std::to_string(blocks) +
                          " blocks of the pool, as coroutines, events and matchers have");
    }
}

void SimulatedServer::report() {
    if (!living_.empty()) {
        std::string text = "the server has ended, and there still is:";
        for (const std::string& what : std::exchange(living_, {})) {
            text += "\n  " + what;
        }
        fail_test(text);
    }
}

void SimulatedServer::finish() {
    if (std::exchange(finished_, true)) {
        return;
    }
    if (strict_) {
        find_living();
    }
    stop();
    if (!living_.empty()) {
        report();  // the server stays, because what lives may refer to it
        return;
    }
    // What the server itself holds is freed before leaks are counted.
    server_.reset();
    if (strict_) {
        find_left_over();
        report();
    }
}

}  // namespace weir
