#include "modules/queue/jobs.h"

#include <algorithm>
#include <utility>

namespace weir::jobs {

namespace {

Effects::Before as_it_is(const Job& job) {
    return {job.id, Job{job.id, job.queue, job.key, job.priority, "", job.tries, job.state, job.due,
                        job.reason}};
}

}  // namespace

Jobs::Entry& Jobs::insert(Job job, std::int64_t now) {
    Entry& entry = jobs_[job.id];
    entry.job = std::move(job);
    bytes_ += size_of(entry.job);
    last_id_ = std::max(last_id_, entry.job.id);
    attach(entry, now);
    return entry;
}

// Puts the job where its state belongs. If this throws, it is nowhere.
void Jobs::attach(Entry& entry, std::int64_t now) {
    const Job& job = entry.job;
    Line& of = line(job.queue);
    switch (job.state) {
        case Job::State::waiting:
            entry.waiting = of.waiting.emplace(job.key, job.id).first;
            try {
                if (job.due > now) {
                    entry.time = times_.emplace(job.due, job.id);
                    entry.in = Entry::In::delayed;
                    ++of.delayed;
                } else {
                    untold_.insert(job.id);
                    of.ready.add(job.priority, job.key, job.id);
                    entry.in = Entry::In::ready;
                }
            } catch (...) {
                untold_.erase(job.id);
                of.waiting.erase(entry.waiting);
                throw;
            }
            break;
        case Job::State::running:
            entry.time = times_.emplace(job.due, job.id);
            entry.in = Entry::In::running;
            ++of.running;
            break;
        case Job::State::dead:
            of.dead.insert(job.id);
            entry.in = Entry::In::dead;
            break;
    }
}

void Jobs::detach(Entry& entry) noexcept {
    const Job& job = entry.job;
    if (entry.in == Entry::In::nothing) {
        return;
    }
    Line& of = lines_.find(job.queue)->second;
    switch (std::exchange(entry.in, Entry::In::nothing)) {
        case Entry::In::ready:
            of.ready.remove(job.priority, job.key, job.id);
            of.waiting.erase(entry.waiting);
            untold_.erase(job.id);
            break;
        case Entry::In::delayed:
            times_.erase(entry.time);
            of.waiting.erase(entry.waiting);
            --of.delayed;
            break;
        case Entry::In::running:
            times_.erase(entry.time);
            --of.running;
            break;
        case Entry::In::dead:
            of.dead.erase(job.id);
            break;
        case Entry::In::nothing:
            break;
    }
}

// The job may be fetched, now or when its time has come. Requires that it is nowhere.
void Jobs::wait(Entry& entry, std::int64_t now) {
    entry.job.state = Job::State::waiting;
    attach(entry, now);
}

std::uint64_t Jobs::add(Job job, std::int64_t now, Effects& effects) {
    job.id = last_id_ + 1;
    effects.changes.splice(effects.changes.end(), adding(job));
    effects.counted.push_back({job.queue, &Line::submitted});
    effects.before.push_back({job.id, std::nullopt});
    return insert(std::move(job), now).job.id;
}

Jobs::Waiting Jobs::waiting(const std::string& queue, const std::string& key) const {
    Waiting found;
    const auto line = lines_.find(queue);
    if (line == lines_.end()) {
        return found;
    }
    const auto& waiting = line->second.waiting;
    for (auto job = waiting.lower_bound({key, 0}); job != waiting.end() && job->first == key;
         ++job) {
        found.ids.push_back(job->second);
        found.bytes += size_of(jobs_.at(job->second).job);
    }
    return found;
}

void Jobs::remove(std::uint64_t id, Effects& effects) {
    const auto found = jobs_.find(id);
    effects.changes.push_back(removing(id));
    Effects::Before& before = effects.before.emplace_back(id, std::nullopt);
    detach(found->second);
    bytes_ -= size_of(found->second.job);
    before.job = std::move(found->second.job);
    jobs_.erase(found);
}

Job* Jobs::take(const std::string& queue, std::int64_t until) {
    Line& of = line(queue);
    Times time;
    time.emplace(until, 0);
    const std::optional<std::uint64_t> id = of.ready.take();
    if (!id) {
        return nullptr;
    }
    // Nothing below needs memory.
    Entry& entry = jobs_.at(*id);
    ++entry.job.tries;
    entry.job.state = Job::State::running;
    entry.job.due = until;
    Times::node_type node = time.extract(time.begin());
    node.mapped() = *id;
    entry.time = times_.insert(std::move(node));
    of.waiting.erase(entry.waiting);
    untold_.erase(*id);
    entry.in = Entry::In::running;
    ++of.running;
    return &entry.job;
}

void Jobs::taken(const Job& job, Effects& effects) {
    Effects::Before before = as_it_is(job);
    --before.job->tries;
    before.job->state = Job::State::waiting;
    before.job->due = 0;
    effects.before.push_back(std::move(before));
    effects.changes.push_back(changing(job));
}

void Jobs::put_back(std::uint64_t id) {
    Entry& entry = jobs_.at(id);
    detach(entry);
    --entry.job.tries;
    entry.job.due = 0;
    entry.job.state = Job::State::waiting;
    attach(entry, 0);
}

Job* Jobs::running(std::uint64_t id, std::uint32_t receipt) {
    const auto found = jobs_.find(id);
    const bool is_right = found != jobs_.end() && found->second.job.state == Job::State::running &&
                          found->second.job.tries == receipt;
    return is_right ? &found->second.job : nullptr;
}

void Jobs::extend(Job& job, std::int64_t until, Effects& effects) {
    Entry& entry = jobs_.at(job.id);
    effects.before.push_back(as_it_is(job));
    detach(entry);
    job.due = until;
    attach(entry, 0);
    effects.changes.push_back(changing(job));
}

void Jobs::finish(Job& job, Effects& effects) {
    effects.counted.push_back({job.queue, &Line::finished});
    effects.outcomes.push_back({job.id, job.queue, job.key});
    remove(job.id, effects);
}

void Jobs::fail(Job& job, std::string reason, std::optional<std::int64_t> again,
                std::size_t max_dead, std::int64_t now, Effects& effects) {
    Entry& entry = jobs_.at(job.id);
    effects.before.push_back(as_it_is(job));
    effects.counted.push_back({job.queue, &Line::failed});
    detach(entry);
    bytes_ += reason.size();
    bytes_ -= job.reason.size();
    job.reason = std::move(reason);
    job.due = again.value_or(0);
    if (again) {
        wait(entry, now);
        effects.changes.push_back(changing(job));
        return;
    }
    job.state = Job::State::dead;
    attach(entry, now);
    effects.changes.push_back(changing(job));
    effects.outcomes.push_back({job.id, job.queue, job.key, true, job.data, job.tries, job.reason});
    for (const Line& of = line(job.queue); of.dead.size() > max_dead;) {
        remove(*of.dead.begin(), effects);
    }
}

Job* Jobs::dead(std::uint64_t id) {
    const auto found = jobs_.find(id);
    const bool is_dead = found != jobs_.end() && found->second.job.state == Job::State::dead;
    return is_dead ? &found->second.job : nullptr;
}

void Jobs::revive(Job& job, Effects& effects) {
    Entry& entry = jobs_.at(job.id);
    effects.before.push_back(as_it_is(job));
    detach(entry);
    job.due = 0;
    bytes_ -= job.reason.size();
    job.reason.clear();
    wait(entry, 0);
    effects.changes.push_back(changing(job));
}

void Jobs::undo(std::vector<Effects::Before>& before, std::int64_t now) {
    for (; !before.empty(); before.pop_back()) {
        std::optional<Job>& was = before.back().job;
        if (const auto found = jobs_.find(before.back().id); found != jobs_.end()) {
            detach(found->second);
            bytes_ -= size_of(found->second.job);
            if (was) {
                was->data = std::move(found->second.job.data);
            }
            jobs_.erase(found);
        }
        if (was) {
            insert(*std::move(was), now);
        }
    }
}

void Jobs::count(const std::vector<Effects::Counted>& counted) {
    for (const Effects::Counted& each : counted) {
        ++(line(each.queue).*each.counter);
    }
}

std::vector<Job> Jobs::all() const {
    std::vector<Job> result;
    result.reserve(jobs_.size());
    for (const auto& [id, entry] : jobs_) {
        result.push_back(entry.job);
    }
    return result;
}

void Jobs::describe(const std::string& queue, LineInfo& info) const {
    const auto found = lines_.find(queue);
    if (found == lines_.end()) {
        return;
    }
    const Line& line = found->second;
    info.ready = line.ready.size();
    info.delayed = line.delayed;
    info.running = line.running;
    info.dead = line.dead.size();
    info.submitted = line.submitted;
    info.finished = line.finished;
    info.failed = line.failed;
}

Job* Jobs::overdue(std::int64_t now) {
    while (!times_.empty() && times_.begin()->first <= now) {
        Entry& entry = jobs_.at(times_.begin()->second);
        if (entry.in == Entry::In::running) {
            return &entry.job;
        }
        detach(entry);
        wait(entry, now);
    }
    return nullptr;
}

std::vector<std::uint64_t> Jobs::told() const {
    std::vector<std::uint64_t> result;
    for (const auto& [id, entry] : jobs_) {
        if (entry.in == Entry::In::ready && !untold_.contains(id)) {
            result.push_back(id);
        }
    }
    return result;
}

void Jobs::forget_told() {
    for (const std::uint64_t id : told()) {
        untold_.insert(id);
    }
}

std::optional<std::int64_t> Jobs::next_time() const {
    return times_.empty() ? std::nullopt : std::optional(times_.begin()->first);
}

}  // namespace weir::jobs
