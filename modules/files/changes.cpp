#include "modules/files/changes.h"

#include <algorithm>

namespace weir::files {

std::optional<Seen> Changes::known(const std::string& path) const {
    const auto found = known_.find(path);
    return found == known_.end() ? std::nullopt : std::optional<Seen>(found->second);
}

Changes::PendingFiles::iterator Changes::pend(const std::string& path, Time now) {
    const auto [file, is_new] = pending_.try_emplace(path);
    if (is_new) {
        file->second.seen = known(path);
        file->second.due = now;
        order_.emplace(now, path);
    }
    return file;
}

void Changes::set_due(PendingFiles::iterator file, Time due) {
    order_.erase({file->second.due, file->first});
    file->second.due = due;
    order_.emplace(due, file->first);
}

void Changes::drop(PendingFiles::iterator file) {
    order_.erase({file->second.due, file->first});
    pending_.erase(file);
}

void Changes::begin(const std::string& path, const Seen& seen, bool told, Time now) {
    if (told) {
        look(path, seen, now);
        if (const auto file = pending_.find(path); file != pending_.end()) {
            file->second.was_there = true;
        }
    } else if (known_.size() < rules_.max_files) {
        known_[path] = seen;
    } else {
        ++beyond_;
    }
}

void Changes::look(const std::string& path, const std::optional<Seen>& seen, Time now) {
    auto file = pending_.find(path);
    if (file == pending_.end()) {
        const std::optional<Seen> before = known(path);
        if (seen == before) {
            return;
        }
        if (!before && known_.size() + pending_.size() >= rules_.max_files) {
            ++beyond_;
            return;
        }
        file = pend(path, now);
    } else if (file->second.seen == seen) {
        return;
    }
    file->second.seen = seen;
    file->second.open = file->second.open && seen.has_value();
    postpone(file, now);
}

void Changes::written(const std::string& path, Time now) {
    if (!known_.contains(path) && !pending_.contains(path) &&
        known_.size() + pending_.size() >= rules_.max_files) {
        return;
    }
    const auto file = pend(path, now);
    file->second.open = true;
    postpone(file, now);
}

void Changes::closed(const std::string& path, Time now) {
    if (const auto file = pending_.find(path); file != pending_.end()) {
        file->second.open = false;
        postpone(file, now);
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

// A file that is gone here, and in the same state there, was moved.
std::vector<Change> Changes::take(Time now) {
    std::map<Seen, std::string> gone;
    std::map<Seen, std::string> come;
    for (const auto& [path, file] : pending_) {
        const std::optional<Seen> before = known(path);
        if (before && !file.seen) {
            gone.emplace(*before, path);
        } else if (!before && file.seen) {
            come.emplace(*file.seen, path);
        }
    }
    std::vector<Change> changes;
    for (const std::string& path : due(now)) {
        const auto file = pending_.find(path);
        if (file == pending_.end()) {
            continue;  // was moved: told with its new name
        }
        const std::optional<Seen> before = known(path);
        const std::optional<Seen> seen = file->second.seen;
        if (seen == before) {
            drop(file);
        } else if (!seen) {
            const auto moved = come.find(*before);
            if (moved != come.end() && pending_.contains(moved->second)) {
                set_due(file, std::max(pending_.at(moved->second).due, now + Duration(1)));
                continue;
            }
            changes.push_back({ChangeKind::removed, path, "", *before});
            known_.erase(path);
            drop(file);
        } else if (before) {
            changes.push_back({ChangeKind::written, path, "", *seen});
            known_[path] = *seen;
            drop(file);
        } else {
            Change change{file->second.was_there ? ChangeKind::found : ChangeKind::made, path, "",
                          *seen};
            const auto moved = gone.find(*seen);
            const auto old = moved == gone.end() ? pending_.end() : pending_.find(moved->second);
            if (old != pending_.end() && known_.contains(old->first)) {
                change.kind = ChangeKind::moved;
                change.from = old->first;
                known_.erase(old->first);
                drop(old);
            }
            known_[path] = *seen;
            drop(file);
            changes.push_back(std::move(change));
        }
    }
    return changes;
}

void Changes::put_back(const Change& change, Time now) {
    std::optional<Seen> seen = change.seen;
    switch (change.kind) {
        case ChangeKind::removed:
            known_[change.path] = change.seen;
            seen.reset();
            break;
        case ChangeKind::written:
            known_[change.path].size = ~std::uint64_t{0};  // as no file is: it differs
            break;
        case ChangeKind::moved:
            known_[change.from] = change.seen;
            set_due(pend(change.from, now), now);
            pending_.at(change.from).seen.reset();
            [[fallthrough]];
        case ChangeKind::found:
        case ChangeKind::made:
            known_.erase(change.path);
            break;
    }
    const auto file = pend(change.path, now);
    file->second.seen = seen;
    file->second.was_there = change.kind == ChangeKind::found;
    set_due(file, now);
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
