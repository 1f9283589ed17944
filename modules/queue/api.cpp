#include "modules/queue/api.h"

#include <utility>

namespace weir::jobs {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr hours longest{24 * 366};
constexpr std::size_t longest_key = 1024;

template <class S, class... More>
config::Settings<S> job_settings(std::string sentence, More... more) {
    return settings<S>(
        std::move(sentence), setting("id", &JobParameters::id, "The job").required(),
        setting("receipt", &JobParameters::receipt, "What `fetch` has returned with it").required(),
        std::move(more)...);
}

}  // namespace

config::Settings<SubmitParameters> SubmitParameters::describe() {
    using S = SubmitParameters;
    return settings<S>(
        "Adds a job to a queue; returns its id when it is kept",
        setting("queue", &S::queue, "Name of the queue").check(name_of_queue()).required(),
        setting("data", &S::data, "What is to be done, any JSON"),
        setting("key", &S::key, "Whose it is: keys take turns").length(0, longest_key),
        setting("priority", &S::priority, "Jobs with a higher one come first")
            .range(-1'000'000, 1'000'000),
        setting("delay", &S::delay, "After so long it may be fetched").at_most(longest),
        setting("replace", &S::replace,
                "Whether jobs of the same key that no worker has yet are removed"));
}

config::Settings<FetchParameters> FetchParameters::describe() {
    using S = FetchParameters;
    return settings<S>(
        "Gives the caller the next job of a queue, until its visibility is over; null: there is "
        "none",
        setting("queue", &S::queue, "Name of the queue").check(name_of_queue()).required(),
        setting("wait", &S::wait,
                "How long to wait for a job; less if the module is reloaded meanwhile")
            .at_most(hours(1)),
        setting("visibility", &S::visibility, "Another visibility than that of the queue")
            .range(milliseconds(1), longest));
}

config::Settings<FinishParameters> FinishParameters::describe() {
    return job_settings<FinishParameters>("Says that a job is done");
}

config::Settings<FailParameters> FailParameters::describe() {
    using S = FailParameters;
    return job_settings<S>(
        "Says that a job has failed; it is tried again after a pause, or has failed for good",
        setting("reason", &S::reason, "Why; 4 KiB of it are kept"),
        setting("retry_in", &S::retry_in, "Another pause than the queue's `retry` says")
            .at_most(longest),
        setting("final", &S::final, "Whether it has failed for good in any case"));
}

config::Settings<ExtendParameters> ExtendParameters::describe() {
    using S = ExtendParameters;
    return job_settings<S>(
        "Begins the visibility of a job anew",
        setting("visibility", &S::visibility, "Another visibility than that of the queue")
            .range(milliseconds(1), longest));
}

config::Settings<DeadParameters> DeadParameters::describe() {
    using S = DeadParameters;
    return settings<S>(
        "Lists jobs that have failed for good, the oldest first",
        setting("queue", &S::queue, "Name of the queue").check(name_of_queue()).required(),
        setting("limit", &S::limit, "How many").range(1, 10'000));
}

config::Settings<ReviveParameters> ReviveParameters::describe() {
    return settings<ReviveParameters>("Lets a job be tried once more that has failed for good",
                                      setting("id", &ReviveParameters::id, "The job").required());
}

config::Settings<FetchedJob> FetchedJob::describe() {
    using S = FetchedJob;
    return settings<S>("A job that the caller has", setting("id", &S::id, "The job"),
                       setting("receipt", &S::receipt, "What proves that the caller has it"),
                       setting("data", &S::data, "What is to be done"),
                       setting("key", &S::key, "Whose it is"),
                       setting("priority", &S::priority, "Its priority"),
                       setting("tries", &S::tries, "How often a worker has had it, this time too"));
}

config::Settings<DeadJob> DeadJob::describe() {
    using S = DeadJob;
    return settings<S>("A job that has failed for good", setting("id", &S::id, "The job"),
                       setting("data", &S::data, "What was to be done"),
                       setting("key", &S::key, "Whose it is"),
                       setting("tries", &S::tries, "How often a worker has had it"),
                       setting("reason", &S::reason, "Why it has failed the last time"));
}

config::Settings<LineInfo> LineInfo::describe() {
    using S = LineInfo;
    return settings<S>("A queue", setting("name", &S::name, "Its name"),
                       setting("description", &S::description, "What it is for"),
                       setting("ready", &S::ready, "Jobs that may be fetched"),
                       setting("delayed", &S::delayed, "Jobs whose delay or pause is not over"),
                       setting("running", &S::running, "Jobs that workers have"),
                       setting("dead", &S::dead, "Jobs that have failed for good"),
                       setting("workers", &S::workers, "Calls of `fetch` that wait"),
                       setting("submitted", &S::submitted, "Jobs that were added"),
                       setting("finished", &S::finished, "Jobs that were done"),
                       setting("failed", &S::failed, "Tries that have failed"));
}

}  // namespace weir::jobs
