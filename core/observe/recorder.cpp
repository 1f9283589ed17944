#include "core/observe/recorder.h"

#include <stdexcept>
#include <utility>

#include "core/observe/snapshot.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {

namespace {

// Texts are cut to this length, so that the limit on records also bounds the memory.
constexpr std::size_t longest_text = 200;

std::uint64_t identity(const Event& event) noexcept {
    return reinterpret_cast<std::uintptr_t>(&event);
}

std::string label(const Routine& routine) {
    if (!routine.name().empty()) {
        return routine.name();
    }
    std::string_view file(routine.started_at().file_name());
    file.remove_prefix(file.rfind('/') + 1);
    return std::string(file) + ':' + std::to_string(routine.started_at().line());
}

}  // namespace

Recorder::Recorder(Scheduler& scheduler, std::size_t limit, Contents contents)
    : scheduler_(scheduler),
      limit_(limit),
      contents_(std::move(contents)),
      bytes_left_(limit * sizeof(Record)),
      began_(scheduler.now()) {
    if (scheduler.tracer() != nullptr) {
        throw std::logic_error("the scheduler has a tracer already");
    }
    add_tree(scheduler.queue());
    // The recording may begin inside a routine, whose run then counts from here.
    if (const Routine* current = scheduler.current()) {
        stack_.push_back({current, number_of(*current), 0, 0, 0});
    }
    scheduler.set_tracer(this);
}

Recorder::~Recorder() {
    stop();
}

void Recorder::stop() noexcept {
    if (std::exchange(stopped_, true)) {
        return;
    }
    scheduler_.set_tracer(nullptr);
    for (; !stack_.empty(); stack_.pop_back()) {
        record([this] { end_run(stack_.back()); });
    }
    length_ = scheduler_.now() - began_;
}

Duration Recorder::length() const noexcept {
    return stopped_ ? length_ : scheduler_.now() - began_;
}

// --- what happens

void Recorder::queued(const Event& event, bool) {
    record([&] {
        add_content(event);
        const LeafQueue* leaf = event.queued_in();
        add({.kind = Kind::queued,
             .routine = sender(),
             .queue = leaf == nullptr ? 0 : number_of(*leaf),
             .text = type_of(event),
             .at = time(),
             .amount = leaf == nullptr ? 0 : static_cast<std::int64_t>(leaf->size()),
             .event = identity(event)});
    });
}

void Recorder::refused(const Event& event, const Matcher&) {
    record([&] {
        add({.kind = Kind::refused,
             .routine = sender(),
             .text = type_of(event),
             .at = time(),
             .event = identity(event)});
    });
}

void Recorder::popped(const Event& event) {
    record([&] {
        if (contents_ && told_.erase(identity(event)) == 0) {
            add_content(event);
            told_.erase(identity(event));
        }
        add({.kind = Kind::popped, .text = type_of(event), .at = time(), .event = identity(event)});
    });
}

void Recorder::delivered(const Event& event, const Matcher&, const Subscriber& to) {
    record([&] {
        const std::uint32_t type = type_of(event);
        if (const auto* routine = dynamic_cast<const Routine*>(&to)) {
            next_ = {routine, 0, 0, type, identity(event)};
        } else {
            add({.kind = Kind::handled, .text = type, .at = time(), .event = identity(event)});
        }
    });
}

void Recorder::withdrawn(const Event& event) {
    told_.erase(identity(event));
    record([&] {
        add({.kind = Kind::withdrawn,
             .routine = sender(),
             .text = type_of(event),
             .at = time(),
             .event = identity(event)});
    });
}

void Recorder::blocked(const Event& event) {
    record([&] {
        const LeafQueue* leaf = event.blocks();
        if (contents_) {
            told_.insert(identity(event));
        }
        add({.kind = Kind::blocked,
             .queue = leaf == nullptr ? 0 : number_of(*leaf),
             .text = type_of(event),
             .at = time(),
             .amount = leaf == nullptr ? 0 : static_cast<std::int64_t>(leaf->size()),
             .event = identity(event)});
    });
}

void Recorder::unblocked(const Event& event) {
    record([&] {
        add({.kind = Kind::unblocked,
             .text = type_of(event),
             .at = time(),
             .event = identity(event)});
    });
}

void Recorder::running(const Routine* routine) {
    const Running next = std::exchange(next_, {});
    // The routine that ran waits or has ended by now; the scheduler still keeps it alive.
    while (!stack_.empty() && !stack_.back().routine->running()) {
        record([this] {
            const Running& run = stack_.back();
            end_run(run);
            if (run.routine->ended()) {
                routines_.erase(run.routine);
                add({.kind = Kind::ended, .routine = run.number, .at = time()});
            }
        });
        stack_.pop_back();
    }
    if (routine == nullptr || (!stack_.empty() && stack_.back().routine == routine)) {
        return;
    }
    record([&] {
        Running& run = stack_.emplace_back(Running{routine, 0, time(), 0, 0});
        if (next.routine == routine) {
            run.type = next.type;
            run.event = next.event;
        }
        run.number = number_of(*routine);
    });
}

// --- keeping it

std::int64_t Recorder::time() const noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(scheduler_.now() - began_).count();
}

template <class F>
void Recorder::record(F make) noexcept {
    try {
        make();
    } catch (...) {
        ++dropped_;
    }
}

void Recorder::add(const Record& record) {
    if (records_.size() < limit_) {
        records_.push_back(record);
    } else {
        ++dropped_;
    }
}

void Recorder::add_content(const Event& event) {
    if (!contents_) {
        return;
    }
    told_.insert(identity(event));
    std::string content = contents_(event);
    if (content.empty()) {
        return;
    }
    if (content.size() > bytes_left_ || records_.size() >= limit_) {
        ++dropped_;
        return;
    }
    bytes_left_ -= content.size();
    texts_.push_back(std::move(content));
    add({.kind = Kind::content,
         .text = static_cast<std::uint32_t>(texts_.size() - 1),
         .at = time(),
         .event = identity(event)});
}

void Recorder::end_run(const Running& run) {
    add({.kind = Kind::ran,
         .routine = run.number,
         .text = run.type,
         .at = run.since,
         .amount = time() - run.since,
         .event = run.event});
}

void Recorder::add_tree(const Queue& queue) {
    number_of(queue.default_queue());
    for (const Ref<Queue>& subqueue : queue.subqueues()) {
        add_tree(*subqueue);
    }
}

// A routine or queue is announced by a record before its number is used. It stays unknown while
// there is no room for that record.
std::uint32_t Recorder::number_of(const Routine& routine) {
    const auto known = routines_.find(&routine);
    if (known != routines_.end()) {
        return known->second;
    }
    if (records_.size() >= limit_) {
        return 0;
    }
    const std::uint32_t number = ++routines_seen_;
    routines_.emplace(&routine, number);
    add({.kind = Kind::routine, .routine = number, .text = text_of(label(routine)), .at = time()});
    return number;
}

std::uint32_t Recorder::number_of(const LeafQueue& leaf) {
    const Queue& queue = leaf.queue();
    const auto known = queues_.find(&leaf);
    // The address alone is not enough: a new queue may have the address of a removed one.
    if (known != queues_.end() && known->second.matcher == queue.matcher()) {
        return known->second.number;
    }
    if (records_.size() >= limit_) {
        return 0;
    }
    const std::uint32_t number = ++queues_seen_;
    queues_.insert_or_assign(&leaf, KnownQueue{number, queue.matcher()});
    add({.kind = Kind::queue,
         .queue = number,
         .text = text_of(queue_path(queue)),
         .at = time(),
         .amount = static_cast<std::int64_t>(leaf.size())});
    return number;
}

std::uint32_t Recorder::type_of(const Event& event) {
    const auto [known, is_new] = types_.try_emplace(event.type().id(), 0);
    if (is_new) {
        known->second = text_of(event.type().name());
    }
    return known->second;
}

std::uint32_t Recorder::text_of(std::string_view text) {
    const auto [known, is_new] =
        text_numbers_.try_emplace(std::string(text.substr(0, longest_text)), 0);
    if (is_new) {
        known->second = static_cast<std::uint32_t>(texts_.size());
        texts_.push_back(known->first);
    }
    return known->second;
}

}  // namespace weir
