#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/enum_names.h"
#include "core/base/clock.h"

namespace weir::files {

enum class ChangeKind { found, made, written, moved, removed };

inline config::EnumNames<ChangeKind> names_of(ChangeKind) {
    return {{"found", ChangeKind::found},
            {"made", ChangeKind::made},
            {"written", ChangeKind::written},
            {"moved", ChangeKind::moved},
            {"removed", ChangeKind::removed}};
}

// Which file has a name, and in which state.
struct Seen {
    std::uint64_t device = 0;
    std::uint64_t number = 0;  // the inode
    std::uint64_t size = 0;
    std::int64_t modified = 0;  // nanoseconds

    friend bool operator==(const Seen&, const Seen&) = default;
    friend auto operator<=>(const Seen&, const Seen&) = default;
};

struct Change {
    ChangeKind kind = ChangeKind::made;
    std::string path;
    std::string from;  // of a file that was moved
    Seen seen;         // of a file that was removed: how it was

    friend bool operator==(const Change&, const Change&) = default;
};

// Makes changes of what is seen of files: a change is due when its file was closed and has then
// stayed the same for a while. What differs between two looks is a change, whatever the system has
// reported meanwhile, so nothing is lost with its reports, and what was undone in time is none.
//
// Touches no file: see FolderTree. A call that finds no memory leaves what is known as it was.
class Changes {
public:
    struct Rules {
        Duration settled{};
        Duration unclosed{};        // of a file that its writer keeps open
        std::size_t max_files = 0;  // that are there at the same time
    };

    explicit Changes(const Rules& rules) noexcept : rules_(rules) {}
    Changes(Changes&&) = default;
    Changes& operator=(Changes&&) = default;
    void set_rules(const Rules& rules) noexcept { rules_ = rules; }

    // A file that was there before; `told`: it is told as found, when it has settled.
    void begin(const std::string& path, const Seen& seen, bool told, Time now);
    // What a look at a name has found; nothing: no file.
    void look(const std::string& path, const std::optional<Seen>& seen, Time now);
    // Reports of the system: a file is written to, and was closed.
    void written(const std::string& path, Time now);
    void closed(const std::string& path, Time now);

    // Returns when ready() has something.
    std::optional<Time> next_due() const;
    // Returns the names whose changes are due; they are to be looked at once more before ready().
    std::vector<std::string> due(Time now) const;
    // Returns the changes that are due, in the order of their times, again and again until they are
    // told().
    std::vector<Change> ready(Time now);
    // What told() notes. The sender makes it before it sends the event: then memory cannot run out
    // between the two, which would let it send the event twice.
    using Note = std::map<std::string, Seen>;
    static Note note_of(const Change& change) { return {{change.path, change.seen}}; }
    // Requires that ready() has returned the change, and that no file was looked at since. Needs no
    // memory.
    void told(const Change& change, Note note) noexcept;

    // Returns the names of files below `prefix` ("a/", or "" for all) that are known, or changing.
    std::vector<std::string> names_below(const std::string& prefix) const;

    std::size_t files() const noexcept { return known_.size(); }
    std::size_t unsettled() const noexcept { return pending_.size(); }
    // Looks at files beyond `max_files`, which are not told.
    std::uint64_t beyond() const noexcept { return beyond_; }

private:
    using Order = std::set<std::pair<Time, std::string>>;

    struct Pending {
        std::optional<Seen> seen;
        bool open = false;
        bool was_there = false;
        Order::iterator turn;  // when it is due
    };
    using PendingFiles = std::map<std::string, Pending>;

    class Recount;

    // Returns whether the name counts among `max_files`: it is a file, or may be one. A file that
    // is gone does not, so that its new name finds room.
    bool counts(const std::string& path) const noexcept;
    bool is_full() const noexcept { return counted_ >= rules_.max_files; }

    // These need no memory, but for pend().
    PendingFiles::iterator pend(const std::string& path, Time now);
    void set_due(Pending& file, Time due) noexcept;
    void postpone(Pending& file, Time now) noexcept {
        set_due(file, now + (file.open ? rules_.unclosed : rules_.settled));
    }
    void drop(const std::string& path) noexcept;
    std::optional<Seen> known(const std::string& path) const;

    Rules rules_;
    std::map<std::string, Seen> known_;  // as it was told
    PendingFiles pending_;
    Order order_;              // of pending_
    std::size_t counted_ = 0;  // names that count
    std::uint64_t beyond_ = 0;
};

}  // namespace weir::files
