// The module as a server has it: with real files, and, where the order of threads matters, in
// virtual time.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "core/run/container.h"
#include "core/wait/task_pool.h"
#include "core/wait/timeout.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/server/wait_until.h"
#include "modules/testing/live_server.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/temporary_folder.h"

namespace weir::files {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

Task<Json> ask_files(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("files", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

// Waits until the module says so of its first watch or tail.
Task<> expect_status(std::string kind, std::string member, std::uint64_t value) {
    Json found;
    for (int tries = 0; tries != 2000 && found != value; ++tries) {
        co_await sleep(10ms);
        Task<Json> asking = ask_files("status", Json::object());
        const Json status = co_await asking;
        found = status.at(kind).at(0).at(member);
    }
    INFO(kind << " " << member);
    CHECK(found == value);
}

// Occupies all threads of libuv while it lives.
class NoThreads {
public:
    explicit NoThreads(Scheduler& scheduler) : pool_(scheduler, most), waiting_(scheduler) {
        for (std::size_t i = 0; i != most; ++i) {
            waiting_.start(occupy(), {.foreground = true});
        }
    }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;
    ~NoThreads() { end_.set_value(); }

private:
    Task<> occupy() {
        auto wait = [ended = ended_] { ended.wait(); };
        co_await pool_.run(std::move(wait));
    }

    static constexpr std::size_t most = 16;
    std::promise<void> end_;
    const std::shared_future<void> ended_ = end_.get_future().share();
    TaskPool pool_;
    Container waiting_;
};

}  // namespace

TEST_CASE("watches and tails go on when unloading the module is refused") {
    LiveServer world(R"({"server": {"startup": ["files"]}, "module": {
        "default": {"unload_timeout": "50ms"},
        "files": {
            "watches": {"w": {"folder": "${WEIR_TEST_FOLDER}", "patterns": ["seen*"],
                              "settled": "10ms"}},
            "tails": {"t": {"file": "${WEIR_TEST_FOLDER}/log", "from": "begin", "confirm": true,
                            "state_file": "${WEIR_TEST_FOLDER}/state"}}}}})");
    std::ofstream(world.folder() + "/log") << "one\n";
    const auto script = [](LiveServer& own) -> Task<> {
        co_await expect_status("tails", "number", 1);
        {
            const NoThreads none(own.scheduler());
            Json line = Json::object({{"tail", "t"}, {"number", 1}});
            Task<Json> confirming = ask_files("confirm", std::move(line));
            co_await confirming;
            bool is_refused = false;
            try {
                co_await own.loader().unload("files");  // its state cannot be written now
            } catch (const std::exception&) {
                is_refused = true;
            }
            CHECK(is_refused);
        }
        std::ofstream(own.folder() + "/log", std::ios::app) << "two\n";
        std::ofstream(own.folder() + "/seen") << "x";
        co_await expect_status("tails", "number", 2);
        co_await expect_status("watches", "changes", 1);
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("a watched folder that cannot be opened yet is looked for again") {
    const bool is_root = ::geteuid() == 0;
    {
        LiveServer world(R"({"server": {"startup": ["files"]}, "module": {"files": {"watches": {
            "w": {"folder": "${WEIR_TEST_FOLDER}/in", "settled": "10ms", "rescan": null}}}}})");
        const std::string in = world.folder() + "/in";
        REQUIRE(::chmod(world.folder().c_str(), 0755) == 0);
        REQUIRE(::mkdir(in.c_str(), 0) == 0);
        REQUIRE((!is_root || ::seteuid(65534) == 0));  // root may open all
        const auto script = [&](LiveServer& own) -> Task<> {
            const auto is_told = [&own] {
                return own.log().find("opening the folder") != std::string::npos;
            };
            const bool has_failed = co_await wait_until(is_told, 20s);
            CHECK(has_failed);
            CHECK((!is_root || ::seteuid(0) == 0));
            CHECK(::chmod(in.c_str(), 0755) == 0);
            std::ofstream(in + "/file") << "x";
            co_await expect_status("watches", "changes", 1);
        };
        world.run(script(world));
        REQUIRE((!is_root || ::seteuid(0) == 0));
    }
}

TEST_CASE("writes keep the order of their calls when a root changes, and in a reload") {
    const bool is_reload = GENERATE(false, true);
    for (std::uint64_t seed = 1; seed != 9; ++seed) {
        const config::testing::TemporaryFolder folder;
        const std::string root = fs::current_path();
        const auto app = [&root](const char* waiting) {
            return R"({"server": {"startup": ["files"]}, "module": {"files": {"roots": {"r": {
                "folder": ")" +
                   root + R"(", "writable": true, "waiting": )" + waiting + "}}}}}";
        };
        SimulatedServer world(app("10"), {}, seed);
        const auto append = [](std::string line) -> Task<> {
            Json what = Json::object({{"root", "r"}, {"path", "log"}, {"line", std::move(line)}});
            Task<Json> appending = ask_files("append", std::move(what));
            co_await appending;
        };
        const auto script = [&](SimulatedServer& own) -> Task<> {
            Container calls(own.scheduler());
            own.simulation().delay_threads(1s);
            for (int i = 0; i != 3; ++i) {
                calls.start(append("before " + std::to_string(i)));
            }
            co_await sleep(1ms);
            if (is_reload) {
                std::vector<std::string> names{"files"};
                co_await own.loader().reload(std::move(names));
            } else {
                own.server().reconfigure(SimulatedServer::read(app("11")));
            }
            calls.start(append("after"));
            co_await sleep(60s);
        };
        world.run(script(world));
        std::ifstream log("log");
        std::string line;
        std::string all;
        while (std::getline(log, line)) {
            all += line + '\n';
        }
        CHECK(all == "before 0\nbefore 1\nbefore 2\nafter\n");
        CHECK(world.log() == "");
    }
}

}  // namespace weir::files
