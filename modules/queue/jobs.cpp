#include "modules/queue/jobs.h"

#include <algorithm>
#include <utility>

#include "modules/queue/api.h"
#include "modules/system/call/json.h"

namespace weir::jobs {

void Jobs::load(Job job, std::int64_t now) {
    last_id_ = std::max(last_id_, job.id);
    bytes_ += job.data.size();
    Entry& entry = jobs_[job.id];
    entry.job = std::move(job);
    Line& of = line(entry.job.queue);
    switch (entry.job.state) {
        case Job::State::waiting:
            wait(entry, now, nullptr);
            break;
        case Job::State::running:
            ++of.running;
            set_time(entry);
            break;
        case Job::State::dead:
            of.dead.insert(entry.job.id);
            break;
    }
}

std::uint64_t Jobs::add(Job job, std::int64_t now, Effects& effects) {
    job.id = ++last_id_;
    bytes_ += job.data.size();
    Entry& entry = jobs_[job.id];
    entry.job = std::move(job);
    effects.changes.splice(effects.changes.end(), adding(entry.job));
    ++line(entry.job.queue).submitted;
    wait(entry, now, &effects);
    return entry.job.id;
}

// A job that no worker has: it may be fetched, now or when its time has come.
void Jobs::wait(Entry& entry, std::int64_t now, Effects* effects) {
    Line& of = line(entry.job.queue);
    entry.job.state = Job::State::waiting;
    if (entry.job.due > now) {
        ++of.delayed;
        set_time(entry);
        return;
    }
    of.ready.add(entry.job.priority, entry.job.key, entry.job.id);
    if (effects != nullptr) {
        effects->events.push_back(make_event<Ready>(entry.job.queue, entry.job.key, entry.job.id));
    }
}

void Jobs::remove_waiting(const std::string& queue, const std::string& key, Effects& effects) {
    Line& of = line(queue);
    std::vector<std::uint64_t> removed;
    for (const auto& [id, entry] : jobs_) {
        const Job& job = entry.job;
        if (job.state == Job::State::waiting && job.queue == queue && job.key == key) {
            removed.push_back(id);
        }
    }
    for (const std::uint64_t id : removed) {
        Entry& entry = jobs_.at(id);
        if (entry.has_time) {
            --of.delayed;
        } else {
            of.ready.remove(entry.job.priority, key, id);
        }
        effects.changes.push_back(removing(id));
        erase(id);
    }
}

Job* Jobs::take(const std::string& queue, std::int64_t until) {
    Line& of = line(queue);
    const std::optional<std::uint64_t> id = of.ready.take();
    if (!id) {
        return nullptr;
    }
    Entry& entry = jobs_.at(*id);
    ++of.running;
    ++entry.job.tries;
    entry.job.state = Job::State::running;
    entry.job.due = until;
    set_time(entry);
    return &entry.job;
}

void Jobs::put_back(std::uint64_t id) {
    Entry& entry = jobs_.at(id);
    end_time(entry);
    --line(entry.job.queue).running;
    --entry.job.tries;
    entry.job.due = 0;
    wait(entry, 0, nullptr);
}

Job* Jobs::running(std::uint64_t id, std::uint32_t receipt) {
    const auto found = jobs_.find(id);
    const bool is_right = found != jobs_.end() && found->second.job.state == Job::State::running &&
                          found->second.job.tries == receipt;
    return is_right ? &found->second.job : nullptr;
}

void Jobs::extend(Job& job, std::int64_t until, Effects& effects) {
    Entry& entry = jobs_.at(job.id);
    end_time(entry);
    job.due = until;
    set_time(entry);
    effects.changes.push_back(changing(job));
}

void Jobs::finish(Job& job, Effects& effects) {
    Line& of = line(job.queue);
    --of.running;
    ++of.finished;
    effects.changes.push_back(removing(job.id));
    effects.events.push_back(make_event<Finished>(job.queue, job.key, job.id));
    erase(job.id);
}

void Jobs::fail(Job& job, std::string reason, std::optional<std::int64_t> again,
                std::size_t max_dead, std::int64_t now, Effects& effects) {
    Entry& entry = jobs_.at(job.id);
    Line& of = line(job.queue);
    end_time(entry);
    --of.running;
    ++of.failed;
    job.reason = std::move(reason);
    job.due = again.value_or(0);
    if (again) {
        wait(entry, now, &effects);
        effects.changes.push_back(changing(job));
        return;
    }
    job.state = Job::State::dead;
    of.dead.insert(job.id);
    effects.changes.push_back(changing(job));
    effects.events.push_back(make_event<Dead>(
        job.queue, job.key, job.id, value_of(Json::parse(job.data)), job.tries, job.reason));
    while (of.dead.size() > max_dead) {
        const std::uint64_t oldest = *of.dead.begin();
        of.dead.erase(of.dead.begin());
        effects.changes.push_back(removing(oldest));
        erase(oldest);
    }
}

bool Jobs::revive(std::uint64_t id, Effects& effects) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second.job.state != Job::State::dead) {
        return false;
    }
    Job& job = found->second.job;
    line(job.queue).dead.erase(id);
    job.due = 0;
    job.reason.clear();
    wait(found->second, 0, &effects);
    effects.changes.push_back(changing(job));
    return true;
}

std::vector<Job> Jobs::all() const {
    std::vector<Job> result;
    result.reserve(jobs_.size());
    for (const auto& [id, entry] : jobs_) {
        result.push_back(entry.job);
    }
    return result;
}

Job* Jobs::overdue(std::int64_t now, Effects& effects) {
    while (!times_.empty() && times_.begin()->first <= now) {
        Entry& entry = jobs_.at(times_.begin()->second);
        if (entry.job.state == Job::State::running) {
            return &entry.job;
        }
        end_time(entry);
        --line(entry.job.queue).delayed;
        wait(entry, now, &effects);
    }
    return nullptr;
}

std::optional<std::int64_t> Jobs::next_time() const {
    return times_.empty() ? std::nullopt : std::optional(times_.begin()->first);
}

void Jobs::set_time(Entry& entry) {
    entry.time = times_.emplace(entry.job.due, entry.job.id);
    entry.has_time = true;
}

void Jobs::end_time(Entry& entry) noexcept {
    if (std::exchange(entry.has_time, false)) {
        times_.erase(entry.time);
    }
}

void Jobs::erase(std::uint64_t id) noexcept {
    const auto found = jobs_.find(id);
    end_time(found->second);
    bytes_ -= found->second.job.data.size();
    jobs_.erase(found);
}

}  // namespace weir::jobs
