#include "core/system/file_watch.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>
#include <utility>

#include <sys/stat.h>
#include <uv.h>

#include "core/event/event.h"
#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"
#include "core/system/watch_identity.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// Sent when something has happened in a folder.
struct FolderEvent : Event {
    Index<const WatchIdentity*> watch;
    Ref<WatchIdentity> identity;

    static auto declare() {
        return declare_event<FolderEvent>("weir.FolderEvent").index("watch", &FolderEvent::watch);
    }
};

constexpr Duration look_for_folder = std::chrono::seconds(1);

bool same_content(const std::optional<FileStatus>& a, const std::optional<FileStatus>& b) {
    return a.has_value() == b.has_value() &&
           (!a || (a->same_file(*b) && a->size == b->size && a->modified == b->modified));
}

}  // namespace

// The watch of a folder, shared with its events.
class FolderState final : public WatchIdentity {
public:
    FolderState(Scheduler& scheduler, std::string folder)
        : scheduler_(scheduler), folder_(std::move(folder)) {
        if (const int error = open(); error != 0) {
            throw SystemError("watching folder " + folder_, error);
        }
    }

    // Forgets what has happened until now, and looks for a folder that is gone. Makes the event of
    // what happens next, which then needs no memory.
    void renew() {
        if (next_ == nullptr) {
            const WatchIdentity* const identity = this;
            next_ = make_event<FolderEvent>(identity);
        }
        stirred_ = false;
        if (handle_ == nullptr) {
            open();
        }
    }
    bool watched() const noexcept { return handle_ != nullptr; }
    bool stirred() const noexcept { return stirred_; }
    const MatcherOf<FolderEvent>& matcher() const noexcept { return matcher_; }

    void close() noexcept {
        if (handle_ != nullptr) {
            uv_close(reinterpret_cast<uv_handle_t*>(handle_.release()),
                     [](uv_handle_t* closed) { delete reinterpret_cast<uv_fs_event_t*>(closed); });
        }
    }

private:
    MatcherOf<FolderEvent> made() const {
        const WatchIdentity* const identity = this;
        return match<FolderEvent>(identity);
    }

    int open() {
        handle_ = std::make_unique<uv_fs_event_t>();
        uv_fs_event_init(&loop_of(scheduler_), handle_.get());
        handle_->data = this;
        const int error = uv_fs_event_start(
            handle_.get(),
            [](uv_fs_event_t* handle, const char*, int, int) {
                static_cast<FolderState*>(handle->data)->happened();
            },
            folder_.c_str(), 0);
        if (error != 0) {
            close();
        } else {
            folder_number_ = number();
        }
        return error;
    }

    // Which folder has this name now; 0: none.
    ino_t number() const noexcept {
        struct stat found {};
        return ::stat(folder_.c_str(), &found) == 0 ? found.st_ino : 0;
    }

    void happened() noexcept {
        stirred_ = true;
        if (number() != folder_number_) {
            close();  // removed, or another one has its name
        }
        if (next_ == nullptr) {
            return;  // the watch knows already
        }
        try {
            next_->identity = Ref<WatchIdentity>(this);
            scheduler_.emergency_send(next_);
            next_.reset();
        } catch (const std::bad_alloc&) {
            // The queue has no memory. What happens next in the folder is noticed.
            next_->identity.reset();
        }
    }

    Scheduler& scheduler_;
    const std::string folder_;
    const MatcherOf<FolderEvent> matcher_ = made();
    std::unique_ptr<uv_fs_event_t> handle_;  // null: the folder is gone
    ino_t folder_number_ = 0;
    bool stirred_ = false;
    Ref<FolderEvent> next_;  // null: sent
};

FileWatch::FileWatch(Scheduler& scheduler, std::string path)
    : scheduler_(scheduler), path_(std::move(path)), known_(file_status_now(path_)) {
    // Afterwards: changed() finds what happens in between.
    const std::string folder = std::filesystem::path(path_).parent_path();
    folder_ = Ref(new FolderState(scheduler_, folder.empty() ? "." : folder));
}

FileWatch::~FileWatch() {
    folder_->close();
}

// Returns true when it is time to look again: something has happened in the folder, or it is gone,
// and has to be looked for. Returns false after a time in which nothing has happened.
Task<bool> FileWatch::stirred(std::optional<Duration> time) {
    if (folder_->watched()) {
        if (!folder_->stirred()) {
            co_await wait_with_timeout(time, folder_->matcher());
        }
        co_return folder_->stirred();
    }
    co_await sleep(std::min(time.value_or(look_for_folder), look_for_folder));
    co_return !time;
}

Task<std::optional<FileStatus>> FileWatch::changed(Duration settled) {
    std::optional<FileStatus> now;
    for (;;) {
        // Before looking, so that no change is overlooked.
        folder_->renew();
        now = co_await file_status(path_);
        if (!same_content(now, known_)) {
            break;
        }
        co_await stirred(std::nullopt);
    }
    if (settled > Duration::zero()) {
        while (co_await stirred(settled)) {
            folder_->renew();
            now = co_await file_status(path_);
        }
    }
    known_ = now;
    co_return now;
}

}  // namespace weir
