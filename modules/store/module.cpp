// The plugin `store`: values under keys, in memory, and in a file that survives crashes.

#include "modules/system/module/module.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/simulation/wall_clock.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/store/api.h"
#include "modules/store/entries.h"
#include "modules/store/writer.h"
#include "modules/system/module/plugin.h"

namespace weir::store {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class StoreModule final : public ModuleOf<StoreSettings> {
public:
    explicit StoreModule(const ModuleContext& context)
        : ModuleOf(context), writer_(context.scheduler) {}
    ~StoreModule() override { close(); }

    static auto declare() {
        return declare_module<StoreModule>("store", "Keeps values under keys")
            .event<Changed>()
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
        if (settings().file) {
            Task<std::vector<Row>> opening = writer_.open(*settings().file);
            const std::vector<Row> rows = co_await opening;
            entries_ = Entries(writer_.last_version());
            for (const Row& row : rows) {
                entries_.load(row);
            }
        }
    }

    void begin() override { start(keep_expiring(), {.name = "store.expire", .daemon = true}); }

    Task<> unload() override {
        Task<> flushing = writer_.flush();
        co_await flushing;
    }

private:
    std::size_t keys() const noexcept { return entries_.count(); }
    std::size_t bytes() const noexcept { return entries_.bytes(); }
    std::uint64_t transactions() const noexcept { return writer_.transactions(); }

    std::int64_t now() const noexcept { return wall_clock(scheduler().poller()); }

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
    // came; a call returns when its change is on the disk.

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
        if (std::optional<Row> row = entries_.remove(parameters.key)) {
            std::vector<Row> rows;
            rows.push_back(*std::move(row));
            Task<> committing = commit(std::move(rows));
            co_await committing;
        }
        co_return was_there;
    }

    Task<EntryInfo> add(AddParameters parameters) {
        const Entry* const entry = entries_.find(parameters.key, now());
        std::int64_t sum = 0;
        if (entry != nullptr && !entry->value.is_number_integer()) {
            throw ApiException("wrong_type", "the key has no integer");
        }
        if (__builtin_add_overflow(entry == nullptr ? 0 : entry->value.get<std::int64_t>(),
                                   parameters.by, &sum)) {
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
        const std::size_t size = value.dump().size();
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
        std::vector<Row> rows;
        rows.push_back(entries_.set(key, std::move(value), expires));
        EntryInfo made = info(key, entries_.find(key, now()));
        Task<> committing = commit(std::move(rows));
        co_await committing;
        co_return made;
    }

    // Events come when what they tell is on the disk.
    Task<> commit(std::vector<Row> rows) {
        std::vector<Ref<Event>> events;
        if (scheduler().notices(event_type<Changed>())) {
            for (const Row& row : rows) {
                events.push_back(make_event<Changed>(
                    row.key, row.value ? value_of(Json::parse(*row.value)) : config::Value(),
                    row.version));
            }
        }
        std::optional<std::string> failure;
        try {
            Task<> writing = writer_.write(*this, std::move(rows));
            co_await writing;
        } catch (const DatabaseError& error) {
            failure = error.what();
        }
        if (failure) {
            throw ApiException("write_failed", *failure);
        }
        for (const Ref<Event>& event : events) {
            co_await send(event);
        }
    }

    Task<> keep_expiring() {
        for (;;) {
            const std::optional<std::int64_t> next = entries_.next_expiry();
            const Duration wait =
                next ? Duration(microseconds(std::max<std::int64_t>(*next - now(), 1000)))
                     : look_interval;
            co_await sleep(std::min(wait, look_interval));
            std::vector<Row> rows = entries_.expire(now());
            if (!rows.empty()) {
                Task<> committing = commit_expired(std::move(rows));
                co_await committing;
            }
        }
    }

    Task<> commit_expired(std::vector<Row> rows) {
        std::optional<std::string> failure;
        try {
            Task<> committing = commit(std::move(rows));
            co_await committing;
        } catch (const ApiException& exception) {
            failure = exception.error().message;
        }
        if (failure) {
            log().error("keys whose time is over could not be deleted from the file: {}", *failure);
        }
    }

    // A key may get a time meanwhile that ends sooner.
    static constexpr Duration look_interval = std::chrono::milliseconds(500);

    Entries entries_;
    Writer writer_;
};

}  // namespace
}  // namespace weir::store

WEIR_PLUGIN(store, weir::store::StoreModule)
