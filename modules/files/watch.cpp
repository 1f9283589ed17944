#include "modules/files/watch.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <set>
#include <utility>
#include <vector>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/system/descriptor.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/files/again.h"
#include "modules/files/events.h"

namespace weir::files {

namespace {

constexpr Duration look_for_missing_folder = std::chrono::seconds(1);  // or one not to be opened

Changes::Rules rules_of(const WatchSettings& settings) {
    return {settings.settled, settings.unclosed, settings.max_files};
}

}  // namespace

FolderWatch::FolderWatch(Scheduler& scheduler, const ModuleLog& log, std::string name,
                         WatchSettings settings, std::optional<Changes> known)
    : scheduler_(scheduler),
      log_(log),
      name_(std::move(name)),
      settings_(std::move(settings)),
      pool_(scheduler, 1),
      changes_(std::move(known)) {
    if (changes_) {
        changes_->set_rules(rules_of(settings_));
    }
}

WatchInfo FolderWatch::info() const {
    WatchInfo info;
    info.name = name_;
    info.description = settings_.description;
    if (changes_) {
        info.files = changes_->files();
        info.unsettled = changes_->unsettled();
        info.beyond = changes_->beyond() + beyond_;
    }
    info.changes = told_;
    info.overflows = overflows_;
    return info;
}

// What it knows stays when something fails, so that nothing is lost.
Task<> FolderWatch::run() {
    return run_again_after_failures([this] { return watch(); },
                                    [this](const std::string& failure) {
                                        if (failure != failure_) {
                                            log_.error("the watch '{}' begins anew: {}", name_,
                                                       failure);
                                            failure_ = failure;
                                        }
                                    });
}

Task<> FolderWatch::watch() {
    tree_ = std::make_shared<FolderTree>(
        FolderTree::Options{settings_.folder, settings_.patterns, settings_.recursive,
                            settings_.max_folders, settings_.max_files});
    DescriptorWatch reported(scheduler_, tree_->descriptor());
    FolderTree::Reports reports;
    reports.all = true;
    for (;;) {
        const Time now = scheduler_.now();
        Task<> looking = look_around(std::move(reports), now);
        co_await looking;
        Task<> looking_again = look_again(scheduler_.now());
        co_await looking_again;
        reported.arm(Readiness::readable);
        co_await wait_with_timeout(time_to_wait(), reported.matcher(Readiness::readable));
        reports = tree_->read();
        failure_.clear();
    }
}

std::optional<Duration> FolderWatch::time_to_wait() const {
    std::optional<Time> next = changes_->next_due();
    if (next_scan_ && (!next || *next_scan_ < *next)) {
        next = next_scan_;
    }
    return next ? std::optional<Duration>(std::max(*next - scheduler_.now(), Duration::zero()))
                : std::nullopt;
}

// Looks at what was reported, or at all when it is time for that.
Task<> FolderWatch::look_around(FolderTree::Reports reports, Time now) {
    if (reports.overflow) {
        ++overflows_;
        log_.warning("the watch '{}' looks at all anew: the system had no room for reports", name_);
    }
    const bool all = reports.all || (next_scan_ && *next_scan_ <= now);
    if (changes_) {
        for (const std::string& path : reports.written) {
            changes_->written(path, now);
        }
        for (const std::string& path : reports.closed) {
            changes_->closed(path, now);
        }
    }
    if (!all && reports.changed.empty()) {
        co_return;
    }
    auto look = [tree = tree_, all, names = std::move(reports.changed)] {
        return all ? tree->look_at_all() : tree->look(names);
    };
    const FolderTree::Looks looks = co_await pool_.run(std::move(look));
    note(looks, scheduler_.now());
    if (all || !looks.is_open) {
        const Time after = scheduler_.now();
        next_scan_ = !looks.is_open     ? std::optional<Time>(after + look_for_missing_folder)
                     : settings_.rescan ? std::optional<Time>(after + *settings_.rescan)
                                        : std::nullopt;
    }
}

// Tells what is due, if a last look finds it unchanged.
Task<> FolderWatch::look_again(Time now) {
    std::vector<std::string> names = changes_->due(now);
    if (names.empty()) {
        co_return;
    }
    auto look = [tree = tree_, names = std::move(names)] { return tree->look(names); };
    const FolderTree::Looks looks = co_await pool_.run(std::move(look));
    note(looks, scheduler_.now());
    Task<> telling = tell(now);
    co_await telling;
}

void FolderWatch::note(const FolderTree::Looks& looks, Time now) {
    if (!changes_) {
        // The first look. A folder that comes later brings files that are made; so would a first
        // look of which only a part is known, since memory ran out.
        Changes known(rules_of(settings_));
        for (const auto& [path, seen] : looks.files) {
            known.begin(path, *seen, settings_.existing, now);
        }
        changes_ = std::move(known);
    }
    const std::uint64_t beyond_before = changes_->beyond();
    std::set<std::string> there;
    for (const auto& [path, seen] : looks.files) {
        if (seen) {
            there.insert(path);
        } else {
            changes_->look(path, std::nullopt, now);
        }
    }
    for (const std::string& folder : looks.folders) {
        for (const std::string& path : changes_->names_below(folder)) {
            if (!there.contains(path)) {
                changes_->look(path, std::nullopt, now);
            }
        }
    }
    // At last, so that files with new names find the room of the old ones.
    for (const auto& [path, seen] : looks.files) {
        if (seen) {
            changes_->look(path, seen, now);
        }
    }
    beyond_ += looks.beyond;
    const bool is_all = std::ranges::find(looks.folders, "") != looks.folders.end();
    log_beyond(looks.beyond != 0 || changes_->beyond() != beyond_before, is_all);
    log_too_deep(looks.too_deep, is_all);
    if (std::exchange(is_there_, looks.is_there) != looks.is_there && !looks.problem) {
        log_.info("the folder {} of the watch '{}' {}", settings_.folder, name_,
                  is_there_ ? "has come" : "is missing");
    }
    const std::string problem = looks.problem.value_or("");
    if (problem != problem_ && !problem.empty()) {
        log_.error("the watch '{}' of {}: {}", name_, settings_.folder, problem);
    }
    problem_ = problem;
}

// Once, until a look at all finds no file beyond the limit.
void FolderWatch::log_beyond(bool is_beyond, bool is_all) {
    if (is_beyond && !has_logged_beyond_) {
        log_.error(
            "the watch '{}' of {}: there are more than {} files (`max_files`); others are "
            "not told",
            name_, settings_.folder, settings_.max_files);
    }
    has_logged_beyond_ = is_beyond || (has_logged_beyond_ && !is_all);
}

// In the same way.
void FolderWatch::log_too_deep(const std::string& folder, bool is_all) {
    if (!folder.empty() && !has_logged_too_deep_) {
        log_.error(
            "the watch '{}' of {}: files in {} are not told: it is more than {} folders deep",
            name_, settings_.folder, folder, FolderTree::deepest);
    }
    has_logged_too_deep_ = !folder.empty() || (has_logged_too_deep_ && !is_all);
}

// A change whose event is not sent, since the routine is closed or there is no memory, stays due.
Task<> FolderWatch::tell(Time now) {
    const std::vector<Change> ready = changes_->ready(now);
    for (const Change& change : ready) {
        const std::uint64_t size = change.kind == ChangeKind::removed ? 0 : change.seen.size;
        Ref<Event> event = make_event<Changed>(name_, change.kind, change.path, change.from,
                                               settings_.folder + "/" + change.path, size);
        Changes::Note note = Changes::note_of(change);
        co_await send(std::move(event));
        changes_->told(change, std::move(note));
        ++told_;
    }
}

}  // namespace weir::files
