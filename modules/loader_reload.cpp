#include <map>

#include "core/execute_all.h"
#include "modules/loader.h"
#include "modules/loader_change.h"

namespace weir {

namespace {

// Holds the flags of a reload as long as it runs, however it ends.
class Flag {
public:
    explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;
    ~Flag() { flag_ = false; }

private:
    bool& flag_;
};

using Found = std::map<std::string, FoundModule>;

}  // namespace

Task<> Loader::reload(std::vector<std::string> names) {
    for (std::string& name : names) {
        name = finder_.resolve(name);
        if (state(name) != ModuleState::succeeded) {
            throw LoadException("the module '" + name + "' is not loaded");
        }
    }
    if (reloading_) {
        throw LoadException("modules are being reloaded already");
    }
    RoutineFuture<> begun(*this, run_reload(std::move(names)), {.name = "reloading"});
    const Future<> reloading = begun;
    co_await reloading;
}

Task<> Loader::run_reload(Names names) {
    Names all = with_all_users(names);
    Found fresh;
    for (const std::string& name : all) {
        try {
            const FoundModule& now = entry(name).found;
            fresh[name] = now.library == nullptr ? now : finder_.open(name);
        } catch (const PluginError& error) {
            throw LoadException("nothing is reloaded: " + std::string(error.what()));
        }
    }
    Found old;
    {
        const Flag reloading(reloading_);
        Task<> swapping = swap(all, fresh, old);
        try {
            co_await swapping;
        } catch (const LoadException&) {
            fresh.clear();
            unclaimed_.look_again();
            throw;
        }
    }
    // The old libraries are not needed any more.
    for (auto& [name, found] : old) {
        close_library(std::move(found.library));
    }
    unload_unused_services();
}

Task<> Loader::swap(Names names, Found& fresh, Found& old) {
    std::vector<std::unique_ptr<Flag>> flags;
    for (const std::string& name : names) {
        flags.push_back(std::make_unique<Flag>(entry(name).reloading));
        old[name] = entry(name).found;
    }
    Task<std::string> unloading = unload_for_reload(names, false);
    std::string failure = co_await unloading;
    if (failure.empty()) {
        for (const std::string& name : names) {
            entry(name).found = fresh[name];
        }
        Task<std::string> loading = load_again(names);
        failure = co_await loading;
        if (failure.empty()) {
            co_return;
        }
        Task<std::string> unloading_again = unload_for_reload(names, true);
        co_await unloading_again;
    }
    for (const std::string& name : names) {
        if (entry(name).module == nullptr) {
            entry(name).found = old[name];
        }
    }
    Task<std::string> going_back = load_again(names);
    const std::string worse = co_await going_back;
    throw LoadException(failure + (worse.empty() ? "; the old version runs again"
                                                 : "; and the old version too: " + worse));
}

Task<std::string> Loader::unload_for_reload(Names names, bool force) {
    std::vector<Task<std::string>> unloading;
    for (const std::string& name : names) {
        unloading.push_back(try_unload(name, "it is reloaded", force));
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(unloading));
    const Names failures = co_await all;
    std::string text;
    for (const std::string& failure : failures) {
        text += failure.empty() || !text.empty() ? "" : failure;
    }
    co_return text;
}

Task<std::string> Loader::load_again(Names names) {
    std::vector<Task<std::string>> loading;
    for (const std::string& name : names) {
        loading.push_back(try_load(name, "it is reloaded"));
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(loading));
    const Names failures = co_await all;
    std::string text;
    for (const std::string& failure : failures) {
        text += failure.empty() || !text.empty() ? "" : failure;
    }
    co_return text;
}

}  // namespace weir
