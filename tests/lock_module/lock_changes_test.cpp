// Events of keys that the setting `watched` names.

#include "modules/lock/plugin/lock_changes.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

constexpr const char* watching = R"({
    "server": {"startup": ["lock"]},
    "module": {"lock": {"watched": ["job-*", "*-1"]}}
})";

Task<Json> ask_lock(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("lock", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<std::string> open_as(std::string name) {
    Json parameters{{"name", name}};
    const Json opened = co_await ask_lock("open_session", std::move(parameters));
    co_return opened.at("session").get<std::string>();
}

Task<> do_with(std::string function, std::string session, std::string key) {
    Json parameters{{"session", session}, {"key", key}};
    co_await ask_lock(function, std::move(parameters));
}

// Notes events as "key: holder | waiter, waiter".
Task<> note_changes(Texts& noted) {
    const MatcherOf<LockChanged> changed = match<LockChanged>();
    for (;;) {
        const Ref<LockChanged> event = co_await changed;
        std::string text(event->key.get());
        text += ':';
        for (const LockChanged::Holder& holder : event->holders) {
            CHECK(holder.token != 0);
            text += ' ' + holder.owner;
        }
        text += " |";
        for (const LockChanged::Waiter& waiter : event->waiters) {
            text += ' ' + waiter.owner;
        }
        CHECK(event->context.get() == "default");
        CHECK(event->holding == event->holders.size());
        CHECK(event->waiting == event->waiters.size());
        noted.push_back(text);
    }
}

// Returns what was noted since it was called last.
Task<Texts> noted_soon(Texts& noted) {
    co_await sleep(1s);
    co_return std::exchange(noted, {});
}

Task<> take_in_turn(Container& routines, Texts& noted) {
    routines.start(note_changes(noted), {.daemon = true});
    const std::string ann = co_await open_as("ann");
    const std::string bob = co_await open_as("bob");
    const std::string cy = co_await open_as("cy");
    co_await do_with("acquire", ann, "job-1");
    co_await do_with("acquire", ann, "other");
    Texts seen = co_await noted_soon(noted);
    CHECK(seen == Texts{"job-1: session 'ann' |"});

    routines.start(do_with("acquire", bob, "job-1"));
    routines.start(do_with("acquire", cy, "job-1"));
    seen = co_await noted_soon(noted);
    CHECK(seen == Texts{"job-1: session 'ann' | session 'bob' session 'cy'"});
    seen = co_await noted_soon(noted);
    CHECK(seen.empty());

    co_await do_with("release", ann, "job-1");
    co_await do_with("acquire", ann, "b-1");
    seen = co_await noted_soon(noted);
    CHECK(seen == Texts{"b-1: session 'ann' |", "job-1: session 'bob' | session 'cy'"});

    // The same owner again is another grant, and a change.
    co_await do_with("release", ann, "b-1");
    co_await do_with("acquire", ann, "b-1");
    seen = co_await noted_soon(noted);
    CHECK(seen == Texts{"b-1: session 'ann' |"});

    for (const std::string& session : {ann, bob, cy}) {
        Json closing{{"session", session}};
        co_await ask_lock("close_session", std::move(closing));
    }
    seen = co_await noted_soon(noted);
    CHECK(seen == Texts{"b-1: |", "job-1: |"});
}

}  // namespace

TEST_CASE("each change of a watched key is an event, with its holders and its waiting list") {
    SimulatedServer world(watching, Registry().add<LockModule>());
    Container container(world.scheduler());
    Texts noted;
    world.run(take_in_turn(container, noted));
}

TEST_CASE("keys are watched from when the settings name them") {
    SimulatedServer world(R"({"server": {"startup": ["lock"]}})", Registry().add<LockModule>());
    world.leave_behind();  // an open session
    Container container(world.scheduler());
    Texts noted;
    const auto test = [](SimulatedServer& server, Container& routines, Texts& told) -> Task<> {
        routines.start(note_changes(told), {.daemon = true});
        const std::string ann = co_await open_as("ann");
        co_await do_with("acquire", ann, "job-1");
        Texts seen = co_await noted_soon(told);
        CHECK(seen.empty());
        server.server().reconfigure(SimulatedServer::read(watching));
        seen = co_await noted_soon(told);
        CHECK(seen == Texts{"job-1: session 'ann' |"});
    };
    world.run(test(world, container, noted));
}
