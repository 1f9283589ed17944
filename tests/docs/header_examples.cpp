// The examples in the comments of headers but for those of plugins: ./dev check finds each of them
// here, and here they are compiled. They are not run; what they use besides weir is declared as it
// comes.

#include <csignal>
#include <set>
#include <stdexcept>
#include <thread>

#include <weir/core.h>
#include <weir/json.h>
#include <weir/module.h>
#include <weir/testing.h>

#include "core/calendar/calendar_timer.h"
#include "core/stream/byte_stream.h"
#include "core/stream/socket_events.h"
#include "core/system/datagram_socket.h"
#include "core/system/descriptor.h"
#include "core/system/file_stream.h"
#include "core/system/file_watch.h"
#include "core/system/process.h"
#include "core/system/signal_watch.h"
#include "modules/system/net/stream_listener.h"
#include "modules/system/world/world_events.h"

#define CHECK(expression) static_cast<void>(expression)  // the test framework's

namespace {

// config/settings/codec.h
namespace codec {
using namespace weir::config;
template <class T>
struct Codec {
    std::string name();      // "integer"
    std::string expected();  // "an integer": after "expected"
    Bounds<T> natural();     // if the setting has no restriction
    Decoded<T> decode(const Value& value);
    Value encode(const T& value);           // as in a file
    std::string text(const T& value);       // as messages show it
    Value schema(const Bounds<T>& bounds);  // with the setting's own bounds
};
}  // namespace codec

// config/settings/enum_names.h
enum class QueueKind { fifo, priority };
inline weir::config::EnumNames<QueueKind> names_of(QueueKind) {
    return {{"fifo", QueueKind::fifo}, {"priority", QueueKind::priority}};
}

// config/settings/settings.h
struct ServerSettings {
    std::optional<int> process_events;
    std::chrono::milliseconds poll_interval{50};

    static weir::config::Settings<ServerSettings> describe() {
        using namespace weir::config;
        return settings<ServerSettings>("What the server itself does",
                                        setting("process_events", &ServerSettings::process_events,
                                                "Events handled between two polls; null: no limit")
                                            .range(1, 1'000'000),
                                        setting("poll_interval", &ServerSettings::poll_interval,
                                                "The longest time without a poll")
                                            .at_most(std::chrono::seconds(10)));
    }
};

// core/event/event_type.h
struct Order : weir::Event {
    weir::Index<std::string> customer;
    weir::Index<int> number;
    double amount = 0;

    static auto declare() {
        return weir::declare_event<Order>("shop.Order")
            .index("customer", &Order::customer)
            .index("number", &Order::number)
            .member<&Order::amount>("amount");
    }
};

struct Done : weir::Event {
    static auto declare() { return weir::declare_event<Done>("shop.Done"); }
};

// modules/system/module/handover.h
struct CounterState {
    static constexpr std::string_view name = "counter";
    static constexpr std::uint32_t version = 1;
    std::uint64_t count = 0;
};
static_assert(weir::HandedOver<CounterState>);

struct Ticket {
    int token = 0;
    static weir::config::Settings<Ticket> describe() {
        using namespace weir::config;
        return settings<Ticket>("A lock", setting("token", &Ticket::token, "Its fencing token"));
    }
};
struct Acquire {
    std::string key;
    static weir::config::Settings<Acquire> describe() {
        using namespace weir::config;
        return settings<Acquire>("Takes a lock", setting("key", &Acquire::key, "The key"));
    }
};

std::string contents_of(const std::string& path) {
    return path;
}

namespace inside_weir {
using namespace weir;
using namespace std::chrono_literals;

// core/stream/socket_events.h
struct Socket : Source {
    bool ready() const { return ready_; }
    bool ready_ = false;
};
Task<> wait_for(Socket& source) {
    while (!source.ready()) {
        co_await SignalWait(source, SocketEvent::Type::readable);
    }
}

// core/stream/signal_wait.h
Task<> wait_until(Socket& source, Time deadline) {
    const bool signalled = co_await SignalWait(source, SocketEvent::Type::readable, deadline);
    if (!signalled) {
        throw std::runtime_error("too late");
    }
}

// core/stream/byte_stream.h
Task<> answer_lines(ByteStream::Owner stream) {
    while (const auto line = co_await stream->read_line(1024)) {
        co_await stream->write("you said " + std::string(*line) + "\n");
    }
}

// core/program/loop_guest.h
void be_a_guest(uv_loop_t& loop) {
    UvPoller poller(loop);
    Scheduler scheduler(poller);
    LoopGuest guest(poller, scheduler, [] { /* the run has ended */ });
    uv_run(&loop, UV_RUN_DEFAULT);  // the owner's, in any mode and as often as it likes
}

// core/program/quit_on_signals.h
void run(UvPoller& poller, Scheduler& scheduler) {
    const QuitOnSignals quit_on_signals(poller, scheduler);
    scheduler.run();
}

// core/system/descriptor.h
Task<> watch_socket(Scheduler& scheduler, int socket) {
    DescriptorWatch watch(scheduler, socket);
    co_await watch.readable();
}

// core/system/process.h
Task<> back_up_now(Scheduler& scheduler) {
    Process backup(scheduler, {.command = {"tar", "-cf", "/backup.tar", "/data"}});
    const ProcessExit exit = co_await backup.wait();
    CHECK(exit.success());
}

// core/system/process.h
Task<> sort_names(Scheduler& scheduler, ByteStream* file) {
    Process sort(scheduler, {.command = {"sort"}, .input = StandardFile::piped});
    const ByteStream::Owner names = sort.input_stream();
    co_await file->copy_to(*names);
    co_await names->shutdown();
}

// core/system/file_stream.h
Task<> send_file(std::string path, ByteStream* client) {
    const ByteStream::Owner file = co_await open_file_stream(path);
    co_await file->copy_to(*client);
}

// core/wait/token_bucket.h
Task<> ask_seldom(Scheduler& scheduler) {
    TokenBucket requests(scheduler, 100, 20);  // 100 a second, 20 at once
    co_await requests.take();
}

// core/wait/condition.h
class Work {
public:
    Task<> all_ended() {
        Task<bool> ending = idle_.until([this] { return running_ == 0; });
        co_await ending;
    }
    void end_one() {
        --running_;
        idle_.notify();
    }

private:
    int running_ = 0;
    Condition idle_;
};

// core/wait/alarm.h
class Deadlines {
public:
    Task<> keep() {
        for (;;) {
            co_await alarm_.wait(next_deadline());  // Time::max(): there is none
            do_what_is_due();                       // perhaps nothing
        }
    }
    void add(Time deadline) {
        deadlines_.insert(deadline);
        alarm_.no_later_than(deadline);
    }

private:
    Time next_deadline() const { return deadlines_.empty() ? Time::max() : *deadlines_.begin(); }
    void do_what_is_due() { deadlines_.erase(deadlines_.begin()); }

    std::multiset<Time> deadlines_;
    Alarm alarm_;
};

Task<int> find(std::string name) {
    co_return static_cast<int>(name.size());
}
Task<std::vector<int>> orders_of(std::string name) {
    co_return std::vector<int>(name.size());
}

// core/run/routine_name.h
Task<> serve(int) {
    co_return;
}
void serve_all(Container& container, int client) {
    const RoutineName name("session");
    container.start(serve(client), {.name = name});
}

// core/wait/execute_all.h
Task<> find_both(Container& container, std::string name) {
    const auto [user, orders] = co_await execute_all(container, find(name), orders_of(name));
    CHECK(user == 1 && orders.empty());
}

// core/wait/when_any.h
Task<> find_either(Container& container, std::string name) {
    const auto first = co_await when_any(container, find(name), orders_of(name));
    CHECK(first.index() == 0);
}

// core/calendar/schedule.h
void schedule() {
    const Schedule nightly = Schedule::cron("30 2 * * mon-fri", "Europe/Berlin");
    static_cast<void>(nightly);
}

// core/calendar/calendar_timer.h
Task<> back_up() {
    co_return;
}
Task<> back_up_nightly(Scheduler& scheduler) {
    CalendarTimer nightly(scheduler, Schedule::cron("30 2 * * *", "Europe/Berlin"));
    while (const auto due = co_await nightly.next()) {
        co_await back_up();
    }
}

// core/system/signal_watch.h
void read_settings() {}
Task<> follow_hangups(Scheduler& scheduler) {
    SignalWatch hangup(scheduler, SIGHUP);
    for (;;) {
        co_await hangup.next();
        read_settings();
    }
}

// core/system/file_watch.h
Task<> follow_file(Scheduler& scheduler) {
    FileWatch watch(scheduler, "/etc/service.json");
    for (;;) {
        co_await watch.changed(200ms);
        read_settings();
    }
}

// core/system/datagram_socket.h
Task<> receive_logs(Scheduler& scheduler) {
    DatagramSocket socket(scheduler, SocketAddress::of_number("0.0.0.0", 514).value());
    for (;;) {
        const Datagram datagram = co_await socket.receive();
    }
}

// core/run/poster.h
void post(Scheduler& scheduler) {
    Poster poster(scheduler);
    std::thread worker([poster, &scheduler] {
        poster.post([&scheduler] { scheduler.emergency_send(make_event<Done>()); });
    });
    scheduler.run();
    worker.join();
}

// core/wait/task_pool.h
Task<std::string> read_file(TaskPool& pool, std::string path) {
    auto read = [path] { return contents_of(path); };
    const std::string text = co_await pool.run(std::move(read));
    co_return text;
}

// modules/system/call/call.h
Task<bool> call_others() {
    const Json parameters{{"pattern", "db*"}};
    const ApiResult<Json> locks = co_await call("lock", "list", parameters);

    const Acquire acquire{.key = "a"};
    const ApiResult<Ticket> ticket = co_await call<Ticket>("lock", "acquire", acquire);
    co_return locks&& ticket;
}
}  // namespace inside_weir

class Hello : public weir::Module {
public:
    using Module::Module;

    // modules/system/module/module_class.h
    static auto declare() {
        return weir::declare_module<Hello>("hello", "Greets its callers")
            .depends_on("clock")
            .function("greet", &Hello::greet)
            .function("count", "How many were greeted so far", &Hello::count);
    }

    // core/simulation/failpoint.h
    weir::Task<> answer() {
        if (weir::failpoint(*this, "greeter.slow-answer", 0.2)) {
            co_await weir::sleep(std::chrono::seconds(1));
        }
    }

    // modules/system/module/module_log.h
    void sold(int wanted, const std::string& customer) {
        log().info("ready");
        log().warning("{} loaves for {}, only {} are left", wanted, customer, shelf_);
    }

private:
    std::string greet(const Acquire& whom) { return "Hello, " + whom.key; }
    int count() { return shelf_; }

    int shelf_ = 0;
};

weir::Task<> greet(weir::AllocationFailure& failure) {
    failure.arm();
    failure.disarm();
    co_return;
}
void write_all(const weir::Report& report) {
    report("written");
}
void check_files(const std::vector<std::string>&) {}
weir::Task<> ask() {
    co_return;
}
weir::Task<> random_guests(weir::SimulatedServer&) {
    co_return;
}

// modules/testing/
void test(const std::string& app, weir::Registry registry) {
    weir::fail_each_allocation([](weir::AllocationFailure& failure) {
        weir::SimulatedServer world(R"({"server": {"startup": ["hello"]}})");
        world.run(greet(failure));  // failure.arm(), the operation, failure.disarm()
    });
    weir::for_each_seed(20, {.configuration = app}, [](weir::SimulatedServer& world) {
        world.run(random_guests(world));
        CHECK(world.log() == "");
    });
    for (std::uint64_t nth = 1;; ++nth) {
        const weir::KilledRun run = weir::run_until_killed(nth, weir::Kill::before, write_all);
        check_files(run.reports);
        if (!run.killed) {
            break;
        }
    }
    {
        const auto bakery = weir::module_that_hangs("bakery");
        weir::SimulatedServer world(R"({"server": {"startup": ["cafe"]}})",
                                    weir::Registry().add(*bakery));
    }
    CHECK(weir::check_queue_kind(weir::FifoQueue::factory()) == "");
    weir::SimulatedServer world(R"({"server": {"startup": ["hello"]}})", registry);
    world.run(ask());  // a Task<>
    CHECK(world.log() == "");
}

// modules/testing/live_server.h
void test_live(weir::Registry registry) {
    weir::LiveServer world(R"({
        "server": {"startup": ["greeter"]},
        "module": {"greeter": {"listen": "unix:${WEIR_TEST_FOLDER}/socket"}}
    })",
                           registry);
    world.run(ask());  // a Task<>
    CHECK(world.log() == "");
}

// modules/system/net/stream_listener.h
namespace greeter {
using namespace weir;
struct GreeterSettings {
    std::string listen;
    static config::Settings<GreeterSettings> describe() {
        using namespace config;
        return settings<GreeterSettings>("Greets",
                                         setting("listen", &GreeterSettings::listen, "Where"));
    }
};
class Greeter final : public ModuleOf<GreeterSettings> {
public:
    using ModuleOf::ModuleOf;
    static auto declare() { return declare_module<Greeter>("greeter", "Greets"); }

    Task<> load() override {
        co_await listener_.listen(settings().listen,
                                  [this](StreamClient& client) { return serve(client); });
    }
    Task<> serve(StreamClient& client);

    StreamListener listener_{*this};
};
Task<> Greeter::serve(StreamClient& client) {
    co_await client.next();
}
}  // namespace greeter

// modules/system/event/describe_event.h
struct Baked : weir::Event {
    weir::Index<std::string> bread;
    int loaves = 1;

    static auto declare() {
        return weir::portable_event<Baked>(
            "bakery.Baked", "Loaves have come out of the oven",
            weir::member("bread", &Baked::bread, "Which kind"),
            weir::member("loaves", &Baked::loaves, "How many").range(1, 1000));
    }
};

namespace world_events {

// modules/system/world/world_events.h
using namespace weir;
using namespace std::chrono_literals;

class Prices final : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Prices>("prices", "Reads prices").event<FileChanged>();
    }
    void begin() override { start(send_file_changes("prices.json", 200ms), {.daemon = true}); }
};

}  // namespace world_events

}  // namespace

// Each is used, as the compiler would have it.
void use_the_examples();
void use_the_examples() {
    static_cast<void>(names_of(QueueKind::fifo));
    static_cast<void>(&ServerSettings::describe);
    static_cast<void>(&inside_weir::wait_for);
    static_cast<void>(&inside_weir::wait_until);
    static_cast<void>(&inside_weir::answer_lines);
    static_cast<void>(&inside_weir::be_a_guest);
    static_cast<void>(&inside_weir::run);
    static_cast<void>(&inside_weir::watch_socket);
    static_cast<void>(&inside_weir::back_up_now);
    static_cast<void>(&inside_weir::sort_names);
    static_cast<void>(&inside_weir::send_file);
    static_cast<void>(&inside_weir::ask_seldom);
    static_cast<void>(&inside_weir::Work::all_ended);
    static_cast<void>(&inside_weir::Work::end_one);
    static_cast<void>(&inside_weir::Deadlines::keep);
    static_cast<void>(&inside_weir::Deadlines::add);
    static_cast<void>(&inside_weir::find_both);
    static_cast<void>(&inside_weir::find_either);
    static_cast<void>(&inside_weir::schedule);
    static_cast<void>(&inside_weir::back_up_nightly);
    static_cast<void>(&inside_weir::follow_hangups);
    static_cast<void>(&inside_weir::follow_file);
    static_cast<void>(&inside_weir::receive_logs);
    static_cast<void>(&inside_weir::serve_all);
    static_cast<void>(&inside_weir::post);
    static_cast<void>(&inside_weir::read_file);
    static_cast<void>(&inside_weir::call_others);
    static_cast<void>(&greeter::Greeter::serve);
    static_cast<void>(&test);
    static_cast<void>(&test_live);
}
