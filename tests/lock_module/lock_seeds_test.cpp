// The module `lock` with clients that connect, wait, give up and disconnect at times that the seed
// decides.
#include <array>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/testing/seeds.h"

using namespace weir;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t keys = 3;

struct Course {
    std::array<int, keys> holders{};
    int held = 0;
    int given_up = 0;
    int held_after_giving_up = 0;
};

Task<ApiResult<Json>> ask(std::string function, Json parameters, Duration timeout) {
    ApiResult<Json> result = co_await call("lock", function, std::move(parameters), timeout);
    co_return result;
}

// Acquires and releases locks. Some calls end before they are answered.
Task<> use_locks(Scheduler& scheduler, Course& course) {
    const auto below = [&scheduler](int n) {
        return static_cast<int>(scheduler.poller().random() % static_cast<std::uint64_t>(n));
    };
    Json nothing = Json::object();
    const ApiResult<Json> opened =
        co_await ask("open_session", std::move(nothing), milliseconds(1000));
    const std::string session = opened.value().at("session").get<std::string>();
    for (int i = 0; i != 6; ++i) {
        co_await sleep(milliseconds(below(50)));
        const auto number = static_cast<std::size_t>(below(keys));
        const std::string key = "key " + std::to_string(number);
        const std::string timeout = std::to_string(1 + below(80)) + "ms";
        Json wanted{{"session", session}, {"key", key}, {"timeout", timeout}};
        Task<ApiResult<Json>> acquiring =
            ask("acquire", std::move(wanted), milliseconds(1 + below(100)));
        const ApiResult<Json> token = co_await acquiring;
        if (token && token.value().is_null()) {
            continue;
        }
        if (token) {
            ++course.held;
            CHECK(++course.holders[number] == 1);
            co_await sleep(milliseconds(below(40)));
            --course.holders[number];
        } else {
            CHECK(token.error().code == ApiError::timeout);
            ++course.given_up;
        }
        Json held{{"session", session}, {"key", key}};
        const ApiResult<Json> released =
            co_await ask("release", std::move(held), milliseconds(1000));
        if (token) {
            CHECK(released.value() == true);
        } else {
            course.held_after_giving_up += released.value() == true ? 1 : 0;
        }
    }
    Json over{{"session", session}};
    const ApiResult<Json> closed =
        co_await ask("close_session", std::move(over), milliseconds(1000));
    CHECK(closed.ok());
}

Task<> nothing_is_held() {
    Json nothing = Json::object();
    const ApiResult<Json> listed = co_await ask("list", std::move(nothing), milliseconds(1000));
    CHECK(listed.value() == Json::array());
}

Task<> use_locks_side_by_side(SimulatedServer& world, Course& course) {
    Container clients(world.scheduler());
    for (int i = 0; i != 8; ++i) {
        clients.start(use_locks(world.scheduler(), course), {.name = "client"});
    }
    co_await sleep(milliseconds(10'000));
    CHECK(clients.routines().empty());
    co_await nothing_is_held();
}

}  // namespace

TEST_CASE(
    "a lock has at most one holder, and none in the end, whichever client gives up and whatever is "
    "late") {
    Course all;
    const Campaign campaign{.configuration = R"({"server": {"startup": ["lock"]}})",
                            .registry = Registry().add<LockModule>(),
                            .points = {"lock.late-answer"}};
    const CampaignReport report = for_each_seed(40, campaign, [&all](SimulatedServer& world) {
        Course course;
        world.run(use_locks_side_by_side(world, course));
        CHECK(world.log() == "");
        CHECK(course.held > 0);
        all.held_after_giving_up += course.held_after_giving_up;
    });
    if (report.runs >= 40) {
        CHECK(report.never_happened().empty());
        CHECK(all.held_after_giving_up > 0);
    }
}
