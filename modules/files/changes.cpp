#include "modules/files/changes.h"

#include <algorithm>

namespace weir::files {

bool Changes::counts(const std::string& path) const noexcept {
    const auto file = pending_.find(path);
    return file == pending_.end() ? known_.contains(path)
                                  : file->second.seen || !known_.contains(path);
}

// Keeps the count right when what is known of the name changes, also if that throws.
class Changes::Recount {
public:
    Recount(Changes& changes, const std::string& path) noexcept
        : changes_(changes), path_(path), before_(changes.counts(path)) {}
    Recount(const Recount&) = delete;
    Recount& operator=(const Recount&) = delete;
    ~Recount() {
        changes_.counted_ += changes_.counts(path_) ? 1U : 0U;
        changes_.counted_ -= before_ ? 1U : 0U;
    }

private:
    Changes& changes_;
    const std::string& path_;
    const bool before_;
};

std::optional<Seen> Changes::known(const std::string& path) const {
    const auto found = known_.find(path);
    return found == known_.end() ? std::nullopt : std::optional<Seen>(found->second);
}

Changes::PendingFiles::iterator Changes::pend(const std::string& path, Time now) {
    if (const auto found = pending_.find(path); found != pending_.end()) {
        return found;
    }
    const auto turn = order_.emplace(now, path).first;
    try {
        return pending_.emplace(path, Pending{known(path), false, false, turn}).first;
    } catch (...) {
        order_.erase(turn);
        throw;
    }
}

void Changes::set_due(Pending& file, Time due) noexcept {
    auto turn = order_.extract(file.turn);
    turn.value().first = due;
    file.turn = order_.insert(std::move(turn)).position;
}

void Changes::drop(const std::string& path) noexcept {
    if (const auto file = pending_.find(path); file != pending_.end()) {
        order_.erase(file->second.turn);
        pending_.erase(file);
    }
}

void Changes::begin(const std::string& path, const Seen& seen, bool told, Time now) {
    if (told) {
        look(path, seen, now);
        if (const auto file = pending_.find(path); file != pending_.end()) {
            file->second.was_there = true;
        }
    } else if (!is_full()) {
        const Recount recount(*this, path);
        known_[path] = seen;
    } else {
        ++beyond_;
    }
}

void Changes::look(const std::string& path, const std::optional<Seen>& seen, Time now) {
    auto file = pending_.find(path);
    const bool is_pending = file != pending_.end();
    const std::optional<Seen> before = known(path);
    if (is_pending ? file->second.seen == seen && (seen || before) : seen == before) {
        return;
    }
    if (!is_pending && !before && is_full()) {
        ++beyond_;
        return;
    }
    const Recount recount(*this, path);
    if (!seen && !before) {
        drop(path);  // it has come and gone
        return;
    }
    if (!is_pending) {
        file = pend(path, now);
    }
    file->second.seen = seen;
    file->second.open = file->second.open && seen.has_value();
    postpone(file->second, now);
}

void Changes::written(const std::string& path, Time now) {
    if (!known_.contains(path) && !pending_.contains(path) && is_full()) {
        return;
    }
    const Recount recount(*this, path);
    const auto file = pend(path, now);
    file->second.open = true;
    postpone(file->second, now);
}

void Changes::closed(const std::string& path, Time now) {
    if (const auto file = pending_.find(path); file != pending_.end()) {
        file->second.open = false;
        postpone(file->second, now);
    }
}

std::optional<Time> Changes::next_due() const {
    return order_.empty() ? std::nullopt : std::optional<Time>(order_.begin()->first);
}

std::vector<std::string> Changes::due(Time now) const {
    std::vector<std::string> names;
    for (const auto& [due, path] : order_) {
        if (due > now) {
            break;
        }
        names.push_back(path);
    }
    return names;
}

// A file that is gone here, and in the same state there, was moved: told with its new name.
std::vector<Change> Changes::ready(Time now) {
    std::map<Seen, std::string> gone;
    std::map<Seen, const Pending*> come;
    for (const auto& [path, file] : pending_) {
        const std::optional<Seen> before = known(path);
        if (before && !file.seen) {
            gone.emplace(*before, path);
        } else if (!before && file.seen) {
            come.emplace(*file.seen, &file);
        }
    }
    std::vector<Change> changes;
    for (const std::string& path : due(now)) {
        Pending& file = pending_.at(path);
        const std::optional<Seen> before = known(path);
        if (file.seen == before) {
            const Recount recount(*this, path);
            drop(path);
        } else if (file.seen && before) {
            changes.push_back({ChangeKind::written, path, "", *file.seen});
        } else if (file.seen) {
            Change change{file.was_there ? ChangeKind::found : ChangeKind::made, path, "",
                          *file.seen};
            if (const auto moved = gone.extract(*file.seen)) {
                change.kind = ChangeKind::moved;
                change.from = moved.mapped();
            }
            changes.push_back(std::move(change));
        } else if (const auto moved = come.find(*before); moved != come.end()) {
            set_due(file, std::max(moved->second->turn->first, now + Duration(1)));
        } else {
            changes.push_back({ChangeKind::removed, path, "", *before});
        }
    }
    return changes;
}

void Changes::told(const Change& change, Note note) noexcept {
    const Recount recount(*this, change.path);
    known_.erase(change.path);
    if (change.kind != ChangeKind::removed) {
        known_.merge(note);
    }
    drop(change.path);
    if (change.kind == ChangeKind::moved) {
        const Recount recount_old(*this, change.from);
        known_.erase(change.from);
        drop(change.from);
    }
}

std::vector<std::string> Changes::names_below(const std::string& prefix) const {
    std::vector<std::string> names;
    const auto add = [&](const auto& files) {
        for (auto file = files.lower_bound(prefix);
             file != files.end() && file->first.starts_with(prefix); ++file) {
            names.push_back(file->first);
        }
    };
    add(known_);
    add(pending_);
    return names;
}

}  // namespace weir::files
