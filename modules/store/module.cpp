// The plugin `store`: values under keys, in memory, and in a file that survives crashes.

#include "modules/system/module/module.h"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/duration.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/alarm.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/database/writer.h"
#include "modules/store/api.h"
#include "modules/store/entries.h"
#include "modules/store/module_class.h"
#include "modules/store/rows.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::store {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What one version of the module hands to the next: all that it has.
struct StoreState {
    static constexpr std::string_view name = "store";
    static constexpr std::uint32_t version = 1;

    database::Handle file{nullptr, nullptr};
    std::vector<Row> rows;
    std::uint64_t last_version = 0;
};

class StoreModule final : public ModuleOf<StoreSettings> {
public:
    explicit StoreModule(const ModuleContext& context)
        : ModuleOf(context), writer_(context.scheduler) {}
    ~StoreModule() override { close(); }

    static auto declare() {
        return declare_module<StoreModule>("store", "Keeps values under keys")
            .event<Changed>()
            .checks(&StoreModule::check)
            .hands_over<StoreState>(&StoreModule::hand_over, &StoreModule::take_over)
            .function("get", &StoreModule::get)
            .function("set", &StoreModule::set)
            .function("delete", &StoreModule::remove)
            .function("add", &StoreModule::add)
            .function("push", &StoreModule::push)
            .function("scan", &StoreModule::scan)
            .gauge("keys", "Keys that have a value", &StoreModule::keys)
            .gauge("bytes", "Size of all keys and values", &StoreModule::bytes)
            .counter("transactions", "Transactions that were written to the file",
                     &StoreModule::transactions)
            .reads({"get", "scan"});
    }

    Task<> load() override {
        if (settings().file && !replaces()) {
            std::vector<database::Query> queries;
            queries.push_back({read_last_version, [this](const database::Row& cells) {
                                   entries_ = Entries(version_of(cells));
                               }});
            queries.push_back(
                {read_rows, [this](const database::Row& cells) { entries_.load(row_of(cells)); }});
            Task<> opening = writer_.open(*settings().file, layout, std::move(queries));
            co_await opening;
        }
    }

    void begin() override {
        if (settings().file && !writer_.is_open()) {
            throw std::runtime_error("the version before has not handed over the file");
        }
        start(keep_expiring(), {.name = "store.expire", .daemon = true});
    }

    Task<> unload() override {
        Task<> flushing = writer_.flush();
        co_await flushing;
    }
    bool can_hand_over() const override { return !writer_.writing(); }

private:
    static void check(const AppCheck& app) {
        const auto settings = app.settings<StoreSettings>();
        if (const std::string why = settings.file ? why_not_writable(*settings.file) : "";
            !why.empty()) {
            app.report_at_start(app.section() / "file", why);
        }
    }

    std::size_t keys() const noexcept { return entries_.count(); }
    std::size_t bytes() const noexcept { return entries_.bytes(); }
    std::uint64_t transactions() const noexcept { return writer_.transactions(); }

    std::int64_t now() const noexcept { return wall_clock(scheduler().poller()); }

    StoreState hand_over() {
        StoreState state;
        state.file = writer_.release();
        state.rows = entries_.all();
        state.last_version = entries_.last_version();
        return state;
    }

    // Also called with what this has handed over, when the new version has failed.
    void take_over(StoreState& state) {
        Entries entries(state.last_version);
        for (const Row& row : state.rows) {
            entries.load(row);
        }
        entries_ = std::move(entries);
        writer_.adopt(std::move(state.file));
    }

    // --- reading

    EntryInfo get(const KeyParameters& parameters) const {
        return info(parameters.key, entries_.find(parameters.key, now()));
    }

    ScanResult scan(const ScanParameters& parameters) const {
        ScanResult result;
        entries_.scan(parameters.prefix, parameters.after, now(),
                      [&](const std::string& key, const Entry& entry) {
                          if (result.entries.size() == parameters.limit) {
                              result.more = true;
                              return false;
                          }
                          result.entries.push_back(info(key, &entry));
                          return true;
                      });
        return result;
    }

    EntryInfo info(const std::string& key, const Entry* entry) const {
        EntryInfo made;
        made.key = key;
        if (entry != nullptr) {
            made.value = value_of(entry->value);
            made.version = entry->version;
            if (entry->expires != 0) {
                made.expires_in =
                    std::chrono::ceil<milliseconds>(microseconds(entry->expires - now()));
            }
        }
        return made;
    }

    // --- writing: memory changes at once, so that calls see each other in the order in which they
    // came; a call returns when its change is on the disk. What cannot be written is undone.

    Task<EntryInfo> set(SetParameters parameters) {
        if (parameters.value.is_null()) {
            throw ApiException(ApiError::bad_parameter, "value: null is no value; delete the key");
        }
        require_version(parameters.key, parameters.if_version);
        return write(parameters.key, json_of(parameters.value), expiry(parameters.time_to_live));
    }

    Task<bool> remove(DeleteParameters parameters) {
        require_version(parameters.key, parameters.if_version);
        const bool was_there = entries_.find(parameters.key, now()) != nullptr;
        if (entries_.has(parameters.key)) {
            Task<> committing = commit(entries_.remove(parameters.key));
            co_await committing;
        }
        co_return was_there;
    }

    Task<EntryInfo> add(AddParameters parameters) {
        const Entry* const entry = entries_.find(parameters.key, now());
        const Json none = 0;
        const Json& old = entry == nullptr ? none : entry->value;
        if (!old.is_number_integer()) {
            throw ApiException("wrong_type", "the key has no integer");
        }
        std::int64_t sum = 0;
        if (old.is_number_unsigned()
                ? __builtin_add_overflow(old.get<std::uint64_t>(), parameters.by, &sum)
                : __builtin_add_overflow(old.get<std::int64_t>(), parameters.by, &sum)) {
            throw ApiException("out_of_range", "the sum is no integer of 64 bits");
        }
        return write(parameters.key, sum,
                     entry == nullptr ? expiry(parameters.time_to_live) : entry->expires);
    }

    Task<EntryInfo> push(PushParameters parameters) {
        const Entry* const entry = entries_.find(parameters.key, now());
        if (entry != nullptr && !entry->value.is_array()) {
            throw ApiException("wrong_type", "the key has no list");
        }
        Json list = entry == nullptr ? Json::array() : entry->value;
        list.push_back(json_of(parameters.value));
        if (list.size() > parameters.keep) {
            const auto excess = static_cast<std::ptrdiff_t>(list.size() - parameters.keep);
            list.erase(list.begin(), list.begin() + excess);
        }
        return write(parameters.key, std::move(list), entry == nullptr ? 0 : entry->expires);
    }

    void require_version(const std::string& key,
                         const std::optional<std::uint64_t>& version) const {
        if (!version) {
            return;
        }
        const Entry* const entry = entries_.find(key, now());
        const std::uint64_t actual = entry == nullptr ? 0 : entry->version;
        if (actual != *version) {
            throw ApiException("changed", "the key has the version " + std::to_string(actual));
        }
    }

    std::int64_t expiry(const std::optional<milliseconds>& time_to_live) const noexcept {
        return time_to_live ? now() + microseconds(*time_to_live).count() : 0;
    }

    Task<EntryInfo> write(std::string key, Json value, std::int64_t expires) {
        Entries::Change change = entries_.set(key, std::move(value), expires);
        const std::size_t size = change.row().value->size();
        const Entry* const old = entries_.find(key, now());
        if (key.size() > settings().max_key.bytes) {
            throw ApiException("too_large", "the key is longer than max_key");
        }
        if (size > settings().max_value.bytes) {
            throw ApiException("too_large", "the value is larger than max_value");
        }
        if (entries_.bytes() - (old == nullptr ? 0 : old->size) + key.size() + size >
            settings().max_size.bytes) {
            throw ApiException("limit_reached", "the store has no room: max_size");
        }
        EntryInfo made = info(key, change.entry());
        Task<> committing = commit(std::move(change));
        co_await committing;
        co_return made;
    }

    // A change under way: the event that tells of it, and what to wait for before.
    struct Commit {
        Ref<Event> event;
        std::optional<Future<>> written;
    };

    // Makes the change in memory, and returns what undoes it.
    Entries::Change apply(Entries::Change change) noexcept {
        Entries::Change undo = entries_.apply(std::move(change));
        expiry_.no_later_than(next_expiry());
        return undo;
    }

    // Returns when the next key expires; or earlier, if the clock may be set meanwhile.
    Time next_expiry() const noexcept {
        const std::optional<std::int64_t> next = entries_.next_expiry();
        return next ? scheduler().now() + until_wall_clock(scheduler().poller(), *next)
                    : Time::max();
    }

    // Hands the change to the writer, and makes it in memory. If it throws, it has done neither.
    Commit begin_commit(Entries::Change change) {
        Commit begun;
        const Row& row = change.row();
        if (scheduler().notices(event_type<Changed>())) {
            const Entry* const entry = change.entry();
            begun.event = make_event<Changed>(
                row.key, entry == nullptr ? config::Value() : value_of(entry->value), row.version);
        }
        const auto undo = std::make_shared<Entries::Change>();
        begun.written =
            writer_.submit(*this, changes_of({row}), [this, undo] { apply(std::move(*undo)); });
        *undo = apply(std::move(change));
        return begun;
    }

    Task<> commit(Entries::Change change) {
        Commit begun = begin_commit(std::move(change));
        Task<> ending = end_commit(std::move(begun));
        co_await ending;
    }

    // Events come when what they tell is on the disk.
    Task<> end_commit(Commit begun) {
        Task<> writing = database::Writer::until_written(std::move(begun.written));
        co_await writing;
        if (begun.event != nullptr) {
            co_await send(begun.event);
        }
    }

    Task<> keep_expiring() {
        for (;;) {
            co_await expiry_.wait(next_expiry());
            Task<bool> expiring = expire();
            const bool all_gone = co_await expiring;
            if (!all_gone) {
                co_await sleep(pause_after_failure);
            }
        }
    }

    // Returns whether all keys that have expired are deleted.
    Task<bool> expire() {
        std::optional<std::string> failure;
        try {
            std::vector<Commit> begun;
            for (const std::string& key : entries_.over(now())) {
                begun.push_back(begin_commit(entries_.remove(key)));
            }
            for (Commit& each : begun) {
                Task<> ending = end_commit(std::move(each));
                co_await ending;
            }
        } catch (const ApiException& exception) {
            failure = exception.error().message;
        } catch (const std::bad_alloc&) {
            failure = "no memory";
        }
        if (failure) {
            log().error(
                "keys whose time is over could not be deleted, this is tried again in {}: {}",
                config::duration_text(pause_after_failure), *failure);
        }
        co_return !failure;
    }

    static constexpr Duration pause_after_failure = std::chrono::seconds(10);

    Entries entries_;
    Alarm expiry_;  // of the next key that expires
    database::Writer writer_;
};

}  // namespace

const ModuleClass& store_class() {
    return module_class<StoreModule>();
}

}  // namespace weir::store

WEIR_PLUGIN(store, weir::store::StoreModule)
