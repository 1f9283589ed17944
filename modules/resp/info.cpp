#include "modules/resp/info.h"

#include <algorithm>
#include <chrono>

#include <unistd.h>

#include "modules/lock/table.h"
#include "modules/resp/command.h"
#include "modules/system/module/abi.h"

namespace weir::resp {

namespace {

class InfoWriter {
public:
    void section(std::string_view name) {
        if (!text_.empty()) {
            text_ += "\r\n";
        }
        text_.append("# ").append(name).append("\r\n");
    }
    void line(std::string_view name, std::string_view value) {
        text_.append(name).append(":").append(value).append("\r\n");
    }
    void line(std::string_view name, std::uint64_t value) { line(name, std::to_string(value)); }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void write_server(InfoWriter& out, const RespProtocol& protocol, Scheduler& scheduler) {
    const auto up =
        std::chrono::duration_cast<std::chrono::seconds>(scheduler.now() - protocol.started_at());
    // Clients of Redis choose by it what they send; lockd speaks the protocol of that version.
    out.line("redis_version", "7.2.0");
    out.line("redis_mode", "standalone");
    out.line("server", "weir");
    out.line("weir_version", own_abi.weir);
    out.line("arch_bits", std::uint64_t{64});
    out.line("process_id", static_cast<std::uint64_t>(getpid()));
    out.line("uptime_in_seconds", static_cast<std::uint64_t>(up.count()));
}

void write_clients(InfoWriter& out, const RespProtocol& protocol) {
    std::uint64_t waiting = 0;
    for (const Session& session : protocol.sessions()) {
        waiting += session.waiting_for().empty() ? 0 : 1;
    }
    out.line("connected_clients", protocol.clients());
    out.line("maxclients", protocol.max_clients());
    out.line("blocked_clients", waiting);
}

// Clients of Redis wait until nothing is loading, and look for the master.
void write_persistence(InfoWriter& out) {
    out.line("loading", std::uint64_t{0});
}

void write_replication(InfoWriter& out) {
    out.line("role", "master");
    out.line("connected_slaves", std::uint64_t{0});
}

void write_stats(InfoWriter& out, const RespProtocol& protocol) {
    out.line("total_connections_received", protocol.connections() + protocol.refused());
    out.line("rejected_connections", protocol.refused());
    out.line("total_commands_processed", protocol.commands());
}

std::uint64_t microseconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void write_times(InfoWriter& out, const std::string& name, const Histogram& times) {
    out.line(name + "_usec_p50", microseconds(times.quantile(0.5)));
    out.line(name + "_usec_p99", microseconds(times.quantile(0.99)));
    out.line(name + "_usec_max", microseconds(times.longest()));
}

void write_locks(InfoWriter& out, const Scheduler& scheduler) {
    const LockTable* table = LockTable::find(scheduler);
    if (table == nullptr) {
        out.line("lock_module", "not loaded");
        return;
    }
    const LockStatistics statistics = table->statistics();
    out.line("locks_held", table->holding());
    out.line("semaphores", table->semaphores());
    out.line("locks_waited_for", table->waiting());
    out.line("locks_acquired", statistics.acquired);
    out.line("locks_contended", statistics.contended);
    out.line("locks_timed_out", statistics.timed_out);
    out.line("locks_refused", statistics.refused);
    out.line("locks_failed", statistics.failed);
    write_times(out, "lock_wait", statistics.wait_time);
    write_times(out, "lock_hold", statistics.hold_time);
}

}  // namespace

std::string info_text(const RespProtocol& protocol, Scheduler& scheduler,
                      std::span<const std::string_view> sections) {
    const auto wants = [sections](std::string_view name) {
        return sections.empty() || std::ranges::any_of(sections, [name](std::string_view wanted) {
                   return same_word(wanted, name) || same_word(wanted, "all") ||
                          same_word(wanted, "default") || same_word(wanted, "everything");
               });
    };
    InfoWriter out;
    if (wants("Server")) {
        out.section("Server");
        write_server(out, protocol, scheduler);
    }
    if (wants("Clients")) {
        out.section("Clients");
        write_clients(out, protocol);
    }
    if (wants("Stats")) {
        out.section("Stats");
        write_stats(out, protocol);
    }
    if (wants("Persistence")) {
        out.section("Persistence");
        write_persistence(out);
    }
    if (wants("Replication")) {
        out.section("Replication");
        write_replication(out);
    }
    if (wants("Locks")) {
        out.section("Locks");
        write_locks(out, scheduler);
    }
    return out.take();
}

}  // namespace weir::resp
