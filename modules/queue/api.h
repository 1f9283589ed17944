#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/name_in.h"
#include "config/settings/settings.h"
#include "modules/system/event/describe_event.h"

// Parameters, results and events of the module `queue`.
namespace weir::jobs {

inline config::NameIn name_of_queue() {
    return {"queue", "queues"};
}

struct SubmitParameters {
    std::string queue;
    config::Value data;
    std::string key;
    int priority = 0;
    std::chrono::milliseconds delay{};
    bool replace = false;

    static config::Settings<SubmitParameters> describe();
};

struct FetchParameters {
    std::string queue;
    std::chrono::milliseconds wait{};
    std::optional<std::chrono::milliseconds> visibility;

    static config::Settings<FetchParameters> describe();
};

// A job that a worker has, by its id and the receipt of this try.
struct JobParameters {
    std::uint64_t id = 0;
    std::uint32_t receipt = 0;
};

struct FinishParameters : JobParameters {
    static config::Settings<FinishParameters> describe();
};

struct FailParameters : JobParameters {
    std::string reason;
    std::optional<std::chrono::milliseconds> retry_in;
    bool final = false;

    static config::Settings<FailParameters> describe();
};

struct ExtendParameters : JobParameters {
    std::optional<std::chrono::milliseconds> visibility;

    static config::Settings<ExtendParameters> describe();
};

struct DeadParameters {
    std::string queue;
    std::uint32_t limit = 100;

    static config::Settings<DeadParameters> describe();
};

struct ReviveParameters {
    std::uint64_t id = 0;

    static config::Settings<ReviveParameters> describe();
};

struct FetchedJob {
    std::uint64_t id = 0;
    std::uint32_t receipt = 0;
    config::Value data;
    std::string key;
    int priority = 0;
    std::uint32_t tries = 0;

    static config::Settings<FetchedJob> describe();
};

struct DeadJob {
    std::uint64_t id = 0;
    config::Value data;
    std::string key;
    std::uint32_t tries = 0;
    std::string reason;

    static config::Settings<DeadJob> describe();
};

struct LineInfo {
    std::string name;
    std::string description;
    std::size_t ready = 0;
    std::size_t delayed = 0;
    std::size_t running = 0;
    std::size_t dead = 0;
    std::size_t workers = 0;
    std::uint64_t submitted = 0;
    std::uint64_t finished = 0;
    std::uint64_t failed = 0;

    static config::Settings<LineInfo> describe();
};

// A job may be fetched.
struct Ready : Event {
    Index<std::string> queue;
    std::string key;
    std::uint64_t id = 0;

    static auto declare() {
        return portable_event<Ready>(
            "queue.Ready", "A job may be fetched",
            member("queue", &Ready::queue, "Name of the queue").check(name_of_queue()),
            member("key", &Ready::key, "The key of the job"), member("id", &Ready::id, "The job"));
    }
};

// A job is done.
struct Finished : Event {
    Index<std::string> queue;
    std::string key;
    std::uint64_t id = 0;

    static auto declare() {
        return portable_event<Finished>(
            "queue.Finished", "A job is done",
            member("queue", &Finished::queue, "Name of the queue").check(name_of_queue()),
            member("key", &Finished::key, "The key of the job"),
            member("id", &Finished::id, "The job"));
    }
};

// A job has failed for good.
struct Dead : Event {
    Index<std::string> queue;
    std::string key;
    std::uint64_t id = 0;
    config::Value data;
    std::uint32_t tries = 0;
    std::string reason;

    static auto declare() {
        return portable_event<Dead>(
            "queue.Dead", "A job has failed for good",
            member("queue", &Dead::queue, "Name of the queue").check(name_of_queue()),
            member("key", &Dead::key, "The key of the job"), member("id", &Dead::id, "The job"),
            member("data", &Dead::data, "What was to be done"),
            member("tries", &Dead::tries, "How often a worker has had it"),
            member("reason", &Dead::reason, "Why it has failed the last time"));
    }
};

}  // namespace weir::jobs
