#include "modules/queue/settings.h"

#include "modules/system/module/app_check.h"

namespace weir::jobs {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

config::Settings<LineSettings> LineSettings::describe() {
    using S = LineSettings;
    return settings<S>(
        "A queue of jobs", setting("description", &S::description, "What it is for"),
        setting("visibility", &S::visibility,
                "How long a worker has a job before others get it, unless it extends that")
            .range(milliseconds(1), hours(24 * 30)),
        setting("retry", &S::retry,
                "How often a job that fails, or whose worker does not come back, is tried again"),
        setting("max_jobs", &S::max_jobs,
                "How many jobs it holds that are not done; further ones are refused")
            .range(1, 10'000'000),
        setting("max_dead", &S::max_dead,
                "How many jobs are kept that have failed for good; the oldest are removed")
            .at_most(1'000'000));
}

config::Settings<QueueSettings> QueueSettings::describe() {
    using S = QueueSettings;
    return settings<S>(
        "Keeps jobs until workers have done them",
        setting("file", &S::file,
                "A file in which all jobs are kept, a database of SQLite; null: in memory only")
            .not_empty()
            .fixed(),
        setting("queues", &S::queues, "The queues, by name"),
        setting("max_data", &S::max_data, "The largest data of a job, as JSON")
            .at_most(config::mebibytes(64)),
        setting("max_size", &S::max_size,
                "How large all jobs are together, with their keys and reasons"));
}

void check_app(const AppCheck& app) {
    const auto settings = app.settings<QueueSettings>();
    if (const std::string why = settings.file ? why_not_writable(*settings.file) : "";
        !why.empty()) {
        app.report_at_start(app.section() / "file", why);
    }
}

}  // namespace weir::jobs
