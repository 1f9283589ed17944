// Allocations fail while files are written, watched and followed. The module is linked in: the kit
// finds nlohmann::json, which cannot survive a failure, by names that a plugin does not show.
// Watches and tails need libuv; what they do on its threads is tested on its own, since only
// allocations of the test's thread fail.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>

#include "core/base/pool.h"
#include "core/run/event_handler.h"
#include "core/run/routine.h"
#include "core/run/uv_poller.h"
#include "modules/files/events.h"
#include "modules/files/folder_tree.h"
#include "modules/files/module_class.h"
#include "modules/files/operations.h"
#include "modules/files/tail.h"
#include "modules/files/watch.h"
#include "modules/system/call/json.h"
#include "modules/testing/allocations.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/world_on.h"

namespace weir::files {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// May be called while allocations fail, which are not the test's.
void put_text(std::string_view path, std::string_view text) {
    const AllocationPause pause;
    std::ofstream(std::string(path), std::ios::binary | std::ios::app) << text;
}

std::string text_of(const std::string& path) {
    const AllocationPause pause;
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

int open_files() {
    int count = 0;
    for (int number = 0; number != 256; ++number) {
        count += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

// Calls the operation while memory fails, and again, if it has failed. Returns whether it has.
bool fails_and_then_works(AllocationFailure& failure, const std::function<void()>& operation) {
    const int open = open_files();
    bool has_failed = false;
    failure.arm();
    try {
        operation();
    } catch (const std::bad_alloc&) {
        has_failed = true;
    }
    failure.disarm();
    INFO(failure.where());
    CHECK(open_files() == open);
    CHECK(has_failed <= failure.happened());
    return has_failed;
}

template <class P>
P about_file(const std::string& path) {
    P parameters;
    parameters.root = "a root with a name that is not short";
    parameters.path = path;
    return parameters;
}

const std::string long_name = "a_folder_with_a_long_name/a_file_with_a_long_name.txt";

}  // namespace

TEST_CASE("a file has its old or its new content when a write has no memory") {
    const config::testing::TemporaryFolder folder;
    fs::create_directories("root");
    auto what = about_file<WriteParameters>(long_name);
    what.make_folders = true;
    fail_each_allocation([&](AllocationFailure& failure) {
        fs::remove_all("root");
        fs::create_directories("root");
        write_below("root", what, "old");
        const auto write = [&] { write_below("root", what, "new"); };
        const bool has_failed = fails_and_then_works(failure, write);
        CHECK(text_of("root/" + long_name) == (has_failed ? "old" : "new"));
        write();
        CHECK(text_of("root/" + long_name) == "new");
        const auto left = fs::directory_iterator("root/a_folder_with_a_long_name");
        CHECK(std::distance(left, fs::directory_iterator()) == 1);
    });
}

TEST_CASE("what is appended without memory is appended whole, or not at all, and rotates well") {
    const config::testing::TemporaryFolder folder;
    auto what = about_file<AppendParameters>("a_log_with_a_long_name.log");
    what.rotate_at = config::ByteSize{10};
    what.keep = 2;
    const std::string path = "root/" + what.path;
    fail_each_allocation([&](AllocationFailure& failure) {
        fs::remove_all("root");
        fs::create_directories("root");
        put_text(path, "first\nhal");
        const auto append = [&] { append_below("root", what, "second\n", true); };
        const bool has_failed = fails_and_then_works(failure, append);
        if (has_failed) {
            append();
        }
        CHECK(text_of(path) == "second\n");
        CHECK(text_of(path + ".1") == "first\nhal");
        CHECK_FALSE(fs::exists(path + ".2"));
    });
}

TEST_CASE("files are read, listed, moved and removed, or not, when there is no memory") {
    const config::testing::TemporaryFolder folder;
    const auto reading = about_file<ReadParameters>(long_name);
    auto listing = about_file<ListParameters>("");
    listing.recursive = true;
    MoveParameters moving;
    moving.from = long_name;
    moving.to = "another_folder_with_a_long_name/another_file_with_a_long_name.txt";
    moving.make_folders = true;
    const auto removing = about_file<RemoveParameters>(moving.to);
    fail_each_allocation([&](AllocationFailure& failure) {
        fs::remove_all("root");
        fs::create_directories("root/a_folder_with_a_long_name");
        put_text("root/" + long_name, "content");
        std::size_t step = 0;
        const auto work = [&] {
            if (step == 0) {
                static_cast<void>(read_below("root", reading, 1000));
                ++step;
            }
            if (step == 1) {
                static_cast<void>(list_below("root", listing));
                ++step;
            }
            if (step == 2) {
                move_below({"root", "root"}, moving);
                ++step;
            }
            static_cast<void>(remove_below("root", removing));
            ++step;
        };
        if (fails_and_then_works(failure, work)) {
            CHECK(fs::exists("root/" + (step <= 2 ? moving.from : moving.to)));
            CHECK(read_below("root",
                             about_file<ReadParameters>(step <= 2 ? moving.from : moving.to), 1000)
                      .content == "content");
            work();
        }
        CHECK(step == 4);
        CHECK(list_below("root", listing).entries.size() == 2);  // the folders
    });
}

TEST_CASE("a look at folders and files without memory leaves nothing open, and the next sees all") {
    const config::testing::TemporaryFolder folder;
    fs::create_directories("root/a_folder_with_a_long_name");
    put_text("root/" + long_name, "content");
    put_text("root/a_file_with_a_long_name.log", "one\n");
    put_text("root/a_file_with_a_long_name.log.1", "none\n");
    fail_each_allocation([&](AllocationFailure& failure) {
        FolderTree::Looks looks;
        const auto look = [&] {
            FolderTree tree({.folder = "root",
                             .patterns = {"*_with_a_long_name.*", "a/*/pattern_of_paths"},
                             .recursive = true,
                             .max_folders = 10,
                             .max_files = 10});
            static_cast<void>(tree.look_at_all());
            looks = tree.look({"a_folder_with_a_long_name", "a_file_with_a_long_name.log"});
            const auto file = TailFile::open("root/a_file_with_a_long_name.log");
            const TailPlace place{file->number(), 4, 1, Head::of(file->state().begin)};
            static_cast<void>(TailPlace::of_text(place.text()));
            static_cast<void>(file->next());
            const auto found = TailFile::find("root/a_file_with_a_long_name.log", place);
            static_cast<void>(found->look(0, 100));
        };
        if (fails_and_then_works(failure, look)) {
            look();
        }
        CHECK(looks.files.size() == 2);
        CHECK_FALSE(looks.problem);
    });
}

namespace {

// A world on libuv, whose rounds may run out of memory, as those of any program.
struct LoopWorld {
    // Blocks that are kept for reuse would neither fail nor be counted.
    pool::Bypass bypass;
    test::WorldOn<UvPoller> world;
    ModuleLog log{world.scheduler, "files", LogLevel::warning};
    Ref<Routine> routine;  // that is tested

    // Lets the world run until the condition holds.
    template <class F>
    void run_until(const F& holds) {
        const auto is_held = [&] {
            const AllocationPause pause;
            return holds();
        };
        const auto end = std::chrono::steady_clock::now() + 20s;
        bool can_happen = true;
        while (!is_held()) {
            if (std::chrono::steady_clock::now() > end) {
                const AllocationPause pause;
                FAIL("it never comes");
            }
            try {
                world.scheduler.round(can_happen);
                can_happen = world.poller.poll(
                    std::min(world.scheduler.time_to_wait().value_or(10ms), Duration(10ms)));
                world.scheduler.after_poll();
            } catch (const std::bad_alloc&) {
                // The next round goes on.
            }
        }
    }
    // The same, unless the routine fails, which the log says in the words of `failed`: then
    // `go_on` makes a next version of it. Every so many failures of memory the routine goes on by
    // itself, which takes a second.
    template <class F, class G>
    void run_until(const F& holds, const AllocationFailure& failure, std::string_view failed,
                   const G& go_on) {
        const auto ends = [&] { return failure.nth() % 31 != 0 && has_logged(failed); };
        run_until([&] { return holds() || ends(); });
        if (ends()) {
            world.log.clear();
            routine->close();
            go_on();
            run_until(holds);
        }
    }
    bool has_logged(std::string_view text) const {
        return std::ranges::any_of(world.log, [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    }
};

// Repeats a call for which there is no memory.
template <class F>
void repeat_without_memory(F call) {
    try {
        call();
    } catch (const std::bad_alloc&) {
        call();
    }
}

struct WatchWorld : LoopWorld {
    std::vector<std::pair<ChangeKind, std::string>> told;
    EventHandler handler{world.scheduler};
    std::unique_ptr<FolderWatch> watch;

    WatchWorld() {
        handler.handle(match<Changed>().make(), [this](const Ref<Event>& event) {
            const AllocationPause pause;
            const auto& changed = event->as<Changed>();
            told.emplace_back(changed.kind, changed.path);
        });
        world.scheduler.begin();
    }
    WatchWorld(const WatchWorld&) = delete;
    WatchWorld& operator=(const WatchWorld&) = delete;
    ~WatchWorld() {
        routine->close();
        world.scheduler.end();
    }

    void begin(std::optional<Changes> known = {}) {
        WatchSettings settings;
        settings.folder = "root";
        settings.settled = 1ms;
        settings.unclosed = 1ms;
        watch = std::make_unique<FolderWatch>(world.scheduler, log, "a watch of a long name",
                                              std::move(settings), std::move(known));
        routine = world.container.start(watch->run());
    }
    // Waits until the watch is as it should be, or has failed. Then another version goes on.
    template <class F>
    void wait_for(const AllocationFailure& failure, const F& holds) {
        run_until(holds, failure, "begins anew", [this] { begin(watch->take_known()); });
    }
};

}  // namespace

TEST_CASE("a watch tells each change once, wherever it runs out of memory") {
    const config::testing::TemporaryFolder folder;
    fail_each_allocation(
        [&](AllocationFailure& failure) {
            fs::remove_all("root");
            fs::create_directories("root");
            for (const char* old : {"old1", "old2", "old3"}) {
                put_text(std::string("root/") + old, "x");
            }
            WatchWorld own;
            failure.arm();
            repeat_without_memory([&] { own.begin(); });
            own.wait_for(failure, [&] { return own.watch->info().files == 3; });
            put_text("root/new_file_with_a_long_name", "x");
            own.wait_for(failure, [&] { return own.told.size() == 1; });
            put_text("root/old1", "y");
            own.wait_for(failure, [&] { return own.told.size() == 2; });
            failure.disarm();
            INFO(failure.where());
            own.run_until([&] { return own.watch->info().unsettled == 0; });
            const std::vector<std::pair<ChangeKind, std::string>> expected{
                {ChangeKind::made, "new_file_with_a_long_name"}, {ChangeKind::written, "old1"}};
            CHECK(own.told == expected);
        },
        2);
}

namespace {

struct TailWorld : LoopWorld {
    std::vector<std::pair<std::uint64_t, std::string>> told;
    EventHandler handler{world.scheduler};
    std::shared_ptr<TaskPool> writes = std::make_shared<TaskPool>(world.scheduler, 1);
    std::unique_ptr<Tail> tail;

    TailWorld() {
        handler.handle(match<Line>().make(), [this](const Ref<Event>& event) {
            const AllocationPause pause;
            const auto& line = event->as<Line>();
            told.emplace_back(line.number, line.line.text().value_or(""));
        });
        world.scheduler.begin();
    }
    TailWorld(const TailWorld&) = delete;
    TailWorld& operator=(const TailWorld&) = delete;
    ~TailWorld() {
        routine->close();
        world.scheduler.end();
    }

    void begin(std::optional<TailPlace> place = {}) {
        TailSettings settings;
        settings.file = "root/log";
        settings.from = From::begin;
        settings.linger = 10ms;
        settings.state_file = "root/state_of_the_tail";
        tail = std::make_unique<Tail>(world.scheduler, log, "a tail of a long name",
                                      std::move(settings), place, writes);
        routine = world.container.start(tail->run());
    }
    void wait_for(const AllocationFailure& failure, std::string_view text) {
        const auto is_told = [&] { return !told.empty() && told.back().second == text; };
        run_until(is_told, failure, "' waits: ", [this] { begin(tail->place()); });
    }
};

}  // namespace

TEST_CASE("a tail loses no line, and keeps its place, wherever it runs out of memory") {
    const config::testing::TemporaryFolder folder;
    fail_each_allocation(
        [&](AllocationFailure& failure) {
            fs::remove_all("root");
            fs::create_directories("root");
            put_text("root/log", "the first line of the log\n");
            TailWorld own;
            failure.arm();
            repeat_without_memory([&] { own.begin(); });
            own.wait_for(failure, "the first line of the log");
            put_text("root/log", "the second line of the log\n");
            own.wait_for(failure, "the second line of the log");
            {
                const AllocationPause pause;
                fs::rename("root/log", "root/log.1");
            }
            put_text("root/log", "the third line of the log\n");
            own.wait_for(failure, "the third line of the log");
            failure.disarm();
            INFO(failure.where());
            put_text("root/log", "the fourth line of the log\n");
            own.run_until([&] {
                const auto place = TailPlace::of_text(text_of("root/state_of_the_tail"));
                return place && place->lines == 4;
            });
            std::vector<std::string> lines(4);
            for (const auto& [number, text] : own.told) {
                REQUIRE((number >= 1 && number <= 4));
                lines[number - 1] = text;
            }
            CHECK(lines == std::vector<std::string>{
                               "the first line of the log", "the second line of the log",
                               "the third line of the log", "the fourth line of the log"});
            CHECK((own.told.size() == 4 || failure.happened()));
        },
        5);  // each takes a tenth of a second, to write the state
}

namespace {

Task<bool> append_line(std::string line) {
    Json what = Json::object({{"root", "r"}, {"path", "log"}, {"line", std::move(line)}});
    const ApiResult<Json> result = co_await call("files", "append", std::move(what));
    co_return result.ok();
}

Task<> append_three(AllocationFailure& failure, bool& is_appended) {
    Task<bool> waiting_until_it_is_loaded = append_line("a line");
    co_await waiting_until_it_is_loaded;
    failure.arm();
    try {
        Task<bool> first = append_line("the first line of the log");
        is_appended = co_await first;
    } catch (const std::bad_alloc&) {
        // The caller has learned it.
    }
    failure.disarm();
    Task<bool> second = append_line("the second line of the log");
    const bool is_there = co_await second;
    CHECK(is_there);
}

}  // namespace

TEST_CASE("a call that has no memory fails, and the next one works") {
    const config::testing::TemporaryFolder folder;
    const std::string app = R"({"server": {"startup": ["files"]}, "module": {"files": {"roots": {
        "r": {"folder": ")" +
                            fs::current_path().string() + R"(", "writable": true}}}}})";
    fail_each_allocation([&](AllocationFailure& failure) {
        fs::remove("log");
        bool is_appended = false;
        {
            SimulatedServer world(app, Registry().add(files_class()));
            world.run(append_three(failure, is_appended));
        }
        INFO(failure.where());
        const std::string log = text_of("log");
        const std::string both = "a line\nthe first line of the log\nthe second line of the log\n";
        CHECK((log == both || (!is_appended && log == "a line\nthe second line of the log\n")));
        CHECK((is_appended || failure.happened()));
    });
}

}  // namespace weir::files
