#pragma once

#include <cstdint>
#include <string_view>

#include "core/run/scheduler.h"
#include "core/run/trace.h"

namespace weir {

/// A hash of all that a scheduler does: which events were queued, refused, popped, delivered and
/// blocked, in which order, and when. Equal runs have equal hashes, in any process of the same
/// build.
class RunTrace final : public Tracer {
public:
    explicit RunTrace(Poller& poller) noexcept : poller_(poller) {}

    std::uint64_t hash() const noexcept { return hash_; }

    void queued(const Event& event, bool) override { add('q', event); }
    void refused(const Event& event, const Matcher&) override { add('r', event); }
    void popped(const Event& event) override { add('p', event); }
    void delivered(const Event& event, const Matcher&, const Subscriber&) override {
        add('d', event);
    }
    void blocked(const Event& event) override { add('b', event); }
    void unblocked(const Event& event) override { add('u', event); }

private:
    // Identities are addresses, which differ between runs, so that the hash omits them.
    void add(char what, const Event& event) noexcept {
        add_number(static_cast<std::uint64_t>(what));
        add_number(static_cast<std::uint64_t>(poller_.now().time_since_epoch().count()));
        for (std::size_t level = 0; level != event.levels(); ++level) {
            const IndexValue& value = event.at(level);
            if (value.kind() == IndexValue::Kind::text) {
                for (const char c : value.text()) add_number(static_cast<unsigned char>(c));
            } else if (value.kind() == IndexValue::Kind::integer) {
                add_number(value.hash());
            }
        }
    }
    void add_number(std::uint64_t number) noexcept {  // FNV-1a, one number at a time
        hash_ = (hash_ ^ number) * 0x100000001b3;
    }

    Poller& poller_;
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace weir
