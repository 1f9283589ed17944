// The plugin `files`: watches and follows files as events, and reads and writes them as functions.

#include "modules/system/module/module.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/base64.h"
#include "core/run/routine.h"
#include "modules/files/api.h"
#include "modules/files/check.h"
#include "modules/files/events.h"
#include "modules/files/module_class.h"
#include "modules/files/operations.h"
#include "modules/files/settings.h"
#include "modules/files/tail.h"
#include "modules/files/watch.h"
#include "modules/system/call/json.h"
#include "modules/system/call/require_named.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::files {
namespace {

// What one version of the module hands to the next: what is known of each folder, and how far each
// tail has come.
struct FilesState {
    static constexpr std::string_view name = "files";
    static constexpr std::uint32_t version = 3;

    std::map<std::string, Changes> watches;
    std::map<std::string, TailPlace> tails;
    // Shared by all versions: a write that still runs ends before the next begins.
    std::map<std::string, std::shared_ptr<TaskPool>> writes;  // by root
    std::shared_ptr<TaskPool> state_writes;
};

template <class T>
bool same_settings(const T& left, const T& right) {
    return config::description_of<T>().equal(&left, &right);
}

// A folder for functions. Writes go one after the other, in the order of the calls, also across a
// change of settings and a reload.
struct Root {
    Root(Scheduler& scheduler, RootSettings given, std::shared_ptr<TaskPool> writer)
        : settings(std::move(given)),
          reads(TaskPool::make_shared(scheduler, 2)),
          writes(std::move(writer)) {}

    const RootSettings settings;
    const std::shared_ptr<TaskPool> reads;  // shared with calls under way
    std::shared_ptr<TaskPool> writes;       // shared with calls, and with other versions
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
};

class FilesModule final : public ModuleOf<FilesSettings> {
public:
    explicit FilesModule(const ModuleContext& context)
        : ModuleOf(context), state_writes_(TaskPool::make_shared(context.scheduler, 1)) {}
    ~FilesModule() override { close(); }

    static auto declare() {
        return declare_module<FilesModule>("files", "Watches, follows, reads and writes files")
            .event<Changed>()
            .event<Line>()
            .checks(&check_app)
            .shows_flows(&FilesModule::flows)
            .hands_over<FilesState>(&FilesModule::hand_over, &FilesModule::take_over,
                                    CallsUnderWay::go_on)
            .function("read", &FilesModule::read)
            .function("write", &FilesModule::write)
            .function("append", &FilesModule::append)
            .function("list", &FilesModule::list)
            .function("move", &FilesModule::move)
            .function("remove", &FilesModule::remove)
            .function("confirm", &FilesModule::confirm)
            .function("status", "Tells what roots, watches and tails have done",
                      &FilesModule::status)
            .counter("read_bytes", "Bytes that functions have read",
                     &FilesModule::add_by_root<&RootInfo::read>)
            .counter("written_bytes", "Bytes that functions have written",
                     &FilesModule::add_by_root<&RootInfo::written>)
            .gauge("waiting", "Calls that wait for others",
                   &FilesModule::add_by_root<&RootInfo::waiting>)
            .gauge("watched", "Files that are watched",
                   &FilesModule::add_by_watch<&WatchInfo::files>)
            .gauge("unsettled", "Files that are changing",
                   &FilesModule::add_by_watch<&WatchInfo::unsettled>)
            .counter("changes", "Changes that became events",
                     &FilesModule::add_by_watch<&WatchInfo::changes>)
            .counter("overflows", "How often the system had no room for reports of changes",
                     &FilesModule::add_by_watch<&WatchInfo::overflows>)
            .counter("beyond", "Looks at files beyond max_files, which are not told",
                     &FilesModule::add_by_watch<&WatchInfo::beyond>)
            .counter("lines", "Lines that became events",
                     &FilesModule::add_by_tail<&TailInfo::lines>)
            .counter("line_bytes", "Bytes of these", &FilesModule::add_by_tail<&TailInfo::bytes>)
            .counter("rotations", "How often another file took the place of one that is followed",
                     &FilesModule::add_by_tail<&TailInfo::rotations>)
            .reads({"list", "read", "status"});
    }

    Task<> load() override {
        use_roots();
        co_return;
    }

    void begin() override {
        begin_watches();
        begin_tails();
    }

    using ModuleOf::settings_changed;
    void settings_changed(const FilesSettings&) override {
        use_roots();
        change_watches();
        change_tails();
    }

    Task<> unload() override {
        close_routines();
        for (auto& [tail_name, running] : tails_) {
            Task<> saving = save(*running.tail);
            co_await saving;
        }
    }

    // As if they were handed over to another version.
    void unload_refused() override {
        FilesState state = hand_over();
        take_over(state);
    }

private:
    using Roots = std::map<std::string, std::shared_ptr<Root>>;  // shared with calls under way

    struct RunningWatch {
        std::unique_ptr<FolderWatch> watch;
        Ref<Routine> routine;
    };
    struct RunningTail {
        std::unique_ptr<Tail> tail;
        Ref<Routine> routine;
    };

    static std::vector<Flow> flows(const AppCheck& app) {
        std::vector<Flow> all;
        const auto settings = app.settings<FilesSettings>();
        for (const auto& [watch_name, watch] : settings.watches) {
            all.push_back({{Flow::Kind::thing, "watch " + watch_name},
                           {Flow::Kind::event, event_type<Changed>().name()}});
        }
        for (const auto& [tail_name, tail] : settings.tails) {
            all.push_back({{Flow::Kind::thing, "tail " + tail_name},
                           {Flow::Kind::event, event_type<Line>().name()}});
        }
        return all;
    }

    // --- watches and tails

    void begin_watches() {
        for (const auto& [watch_name, watch_settings] : settings().watches) {
            if (watches_.contains(watch_name)) {
                continue;
            }
            std::optional<Changes> known;
            if (const auto node = old_.watches.extract(watch_name)) {
                known = std::move(node.mapped());
            }
            auto watch = std::make_unique<FolderWatch>(scheduler(), log(), watch_name,
                                                       watch_settings, std::move(known));
            Ref<Routine> routine =
                start(watch->run(), {.name = "watch '" + watch_name + "'", .daemon = true});
            watches_[watch_name] = {std::move(watch), std::move(routine)};
        }
    }

    void begin_tails() {
        for (const auto& [tail_name, tail_settings] : settings().tails) {
            if (tails_.contains(tail_name)) {
                continue;
            }
            std::optional<TailPlace> place;
            if (const auto node = old_.tails.extract(tail_name)) {
                place = node.mapped();
            }
            auto tail = std::make_unique<Tail>(scheduler(), log(), tail_name, tail_settings, place,
                                               state_writes_);
            Ref<Routine> routine =
                start(tail->run(), {.name = "tail '" + tail_name + "'", .daemon = true});
            tails_[tail_name] = {std::move(tail), std::move(routine)};
        }
    }

    // A watch of another folder, or of other files, knows nothing of these.
    void change_watches() {
        for (auto entry = watches_.begin(); entry != watches_.end();) {
            const auto now = settings().watches.find(entry->first);
            const WatchSettings& before = entry->second.watch->settings();
            if (now != settings().watches.end() && same_settings(now->second, before)) {
                ++entry;
                continue;
            }
            entry->second.routine->close();
            keep_known(entry->first, before, *entry->second.watch);
            entry = watches_.erase(entry);
        }
        begin_watches();
        old_.watches.clear();
    }

    void keep_known(const std::string& watch_name, const WatchSettings& before,
                    FolderWatch& watch) {
        const auto now = settings().watches.find(watch_name);
        if (now == settings().watches.end() || now->second.folder != before.folder ||
            now->second.patterns != before.patterns || now->second.recursive != before.recursive) {
            return;
        }
        if (std::optional<Changes> known = watch.take_known()) {
            old_.watches.emplace(watch_name, std::move(*known));
        }
    }

    // A tail of the same file goes on where it is.
    void change_tails() {
        for (auto entry = tails_.begin(); entry != tails_.end();) {
            const auto now = settings().tails.find(entry->first);
            const bool is_there = now != settings().tails.end();
            const TailSettings& before = entry->second.tail->settings();
            if (is_there && same_settings(now->second, before)) {
                ++entry;
                continue;
            }
            entry->second.routine->close();
            if (!is_there || now->second.file != before.file) {
                start(save_and_end(std::move(entry->second.tail)), {.name = "end of a tail"});
            } else if (const std::optional<TailPlace> place = entry->second.tail->place()) {
                old_.tails.emplace(entry->first, *place);
            }
            entry = tails_.erase(entry);
        }
        begin_tails();
        old_.tails.clear();
    }

    Task<> save_and_end(std::unique_ptr<Tail> tail) {
        Task<> saving = save(*tail);
        co_await saving;
    }

    Task<> save(Tail& tail) {
        std::string failure;
        try {
            Task<> saving = tail.save();
            co_await saving;
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (!failure.empty()) {
            log().error("the state of a tail cannot be written: {}", failure);
        }
    }

    void close_routines() noexcept {
        for (auto& [watch_name, running] : watches_) {
            running.routine->close();
        }
        for (auto& [tail_name, running] : tails_) {
            running.routine->close();
        }
    }

    FilesState hand_over() {
        close_routines();
        FilesState state;
        for (auto& [watch_name, running] : watches_) {
            if (std::optional<Changes> known = running.watch->take_known()) {
                state.watches.emplace(watch_name, std::move(*known));
            }
        }
        for (auto& [tail_name, running] : tails_) {
            if (const std::optional<TailPlace> place = running.tail->place()) {
                state.tails.emplace(tail_name, *place);
            }
        }
        watches_.clear();
        tails_.clear();
        for (const auto& [root_name, root] : roots_) {
            state.writes.emplace(root_name, root->writes);
        }
        state.state_writes = state_writes_;
        return state;
    }

    // Also called with what this has handed over, when the new version has failed.
    void take_over(FilesState& state) {
        for (const auto& [root_name, root] : roots_) {
            if (const auto writes = state.writes.find(root_name); writes != state.writes.end()) {
                root->writes = writes->second;
            }
        }
        state_writes_ = state.state_writes;
        old_ = std::move(state);
        if (!replaces()) {
            begin();
        }
    }

    // --- functions

    // Roots that have not changed keep what waits for them.
    void use_roots() {
        Roots now;
        for (const auto& [root_name, root_settings] : settings().roots) {
            const auto old = roots_.find(root_name);
            now[root_name] =
                old == roots_.end() ? std::make_shared<Root>(scheduler(), root_settings,
                                                             TaskPool::make_shared(scheduler(), 1))
                : same_settings(old->second->settings, root_settings)
                    ? old->second
                    : std::make_shared<Root>(scheduler(), root_settings, old->second->writes);
        }
        roots_ = std::move(now);
    }

    std::shared_ptr<Root> find_root(const std::string& root_name) const {
        return require_named(roots_, "root", root_name)->second;
    }

    std::shared_ptr<Root> find_writable(const std::string& root_name) const {
        std::shared_ptr<Root> root = find_root(root_name);
        if (!root->settings.writable) {
            throw ApiException(ApiError::denied, "root: '" + root_name + "' is not writable");
        }
        return root;
    }

    // Runs the function on another thread, when its turn has come.
    template <class F>
    static Task<std::invoke_result_t<F&>> run_in(std::shared_ptr<Root> root,
                                                 std::shared_ptr<TaskPool> pool, F function) {
        if (pool->waiting() >= root->settings.waiting) {
            throw ApiException("busy", "as many calls wait as `waiting` allows");
        }
        co_return co_await pool->run(std::move(function));
    }

    static std::string bytes_of(const Root& root, std::string content, Coding coding) {
        if (coding == Coding::base64) {
            std::optional<std::string> bytes = from_base64(content);
            if (!bytes) {
                throw ApiException(ApiError::bad_parameter, "content: is not Base64");
            }
            content = std::move(*bytes);
        }
        if (content.size() > root.settings.max_size.bytes) {
            throw ApiException("too_large", "there are more than " +
                                                std::to_string(root.settings.max_size.bytes) +
                                                " bytes to write");
        }
        return content;
    }

    Task<FileContent> read(ReadParameters parameters) {
        const std::shared_ptr<Root> root = find_root(parameters.root);
        const std::uint64_t most = root->settings.max_size.bytes;
        const std::uint64_t at_most =
            parameters.at_most ? std::min(parameters.at_most->bytes, most) : most;
        auto function = [folder = root->settings.folder, parameters, at_most] {
            return read_below(folder, parameters, at_most);
        };
        Task<FileContent> reading = run_in(root, root->reads, std::move(function));
        FileContent content = co_await reading;
        root->read_bytes += content.next - parameters.position.value_or(0);
        co_return content;
    }

    Task<> write(WriteParameters parameters) {
        const std::shared_ptr<Root> root = find_writable(parameters.root);
        std::string content = bytes_of(*root, std::move(parameters.content), parameters.coding);
        const std::size_t size = content.size();
        auto function = [folder = root->settings.folder, parameters, content = std::move(content)] {
            write_below(folder, parameters, content);
        };
        Task<> writing = run_in(root, root->writes, std::move(function));
        co_await writing;
        root->written_bytes += size;
    }

    Task<> append(AppendParameters parameters) {
        const std::shared_ptr<Root> root = find_writable(parameters.root);
        const bool is_line = !parameters.line.is_null();
        if (is_line == parameters.content.has_value()) {
            throw ApiException(ApiError::bad_parameter, "content: needs one of content and line");
        }
        std::string given = is_line ? line_of(parameters.line) : std::move(*parameters.content);
        std::string content =
            bytes_of(*root, std::move(given), is_line ? Coding::text : parameters.coding);
        const std::size_t size = content.size();
        auto function = [folder = root->settings.folder, parameters, content = std::move(content),
                         is_line] { append_below(folder, parameters, content, is_line); };
        Task<> writing = run_in(root, root->writes, std::move(function));
        co_await writing;
        root->written_bytes += size;
    }

    static std::string line_of(const config::Value& line) {
        const std::optional<std::string_view> text = line.text();
        std::string made = text ? std::string(*text) : to_json(line);
        if (made.find('\n') != std::string::npos) {
            throw ApiException(ApiError::bad_parameter, "line: has the end of a line within");
        }
        return made + '\n';
    }

    Task<Listing> list(ListParameters parameters) {
        const std::shared_ptr<Root> root = find_root(parameters.root);
        auto function = [folder = root->settings.folder, parameters] {
            return list_below(folder, parameters);
        };
        Task<Listing> listing = run_in(root, root->reads, std::move(function));
        co_return co_await listing;
    }

    Task<> move(MoveParameters parameters) {
        const std::shared_ptr<Root> root = find_writable(parameters.root);
        const std::string to =
            find_writable(parameters.to_root.value_or(parameters.root))->settings.folder;
        auto function = [folders = std::pair(root->settings.folder, to), parameters] {
            move_below(folders, parameters);
        };
        Task<> moving = run_in(root, root->writes, std::move(function));
        co_await moving;
    }

    Task<bool> remove(RemoveParameters parameters) {
        const std::shared_ptr<Root> root = find_writable(parameters.root);
        auto function = [folder = root->settings.folder, parameters] {
            return remove_below(folder, parameters);
        };
        Task<bool> removing = run_in(root, root->writes, std::move(function));
        co_return co_await removing;
    }

    void confirm(const ConfirmParameters& parameters) {
        require_named(tails_, "tail", parameters.tail)->second.tail->confirm(parameters.number);
    }

    FilesInfo status() const {
        FilesInfo info;
        for (const auto& [root_name, root] : roots_) {
            info.roots.push_back({root_name, root->settings.description, root->settings.writable,
                                  root->read_bytes, root->written_bytes,
                                  root->reads->waiting() + root->writes->waiting()});
        }
        for (const auto& [watch_name, running] : watches_) {
            info.watches.push_back(running.watch->info());
        }
        for (const auto& [tail_name, running] : tails_) {
            info.tails.push_back(running.tail->info());
        }
        return info;
    }

    template <auto Member>
    void add_by_root(MetricFamily& values) const {
        for (const RootInfo& root : status().roots) {
            values.add(root.*Member, {{"root", root.name}});
        }
    }
    template <auto Member>
    void add_by_watch(MetricFamily& values) const {
        for (const WatchInfo& watch : status().watches) {
            values.add(watch.*Member, {{"watch", watch.name}});
        }
    }
    template <auto Member>
    void add_by_tail(MetricFamily& values) const {
        for (const TailInfo& tail : status().tails) {
            values.add(tail.*Member, {{"tail", tail.name}});
        }
    }

    Roots roots_;
    std::shared_ptr<TaskPool> state_writes_;  // of tails
    FilesState old_;  // of another version, or of watches and tails that have changed
    std::map<std::string, RunningWatch> watches_;
    std::map<std::string, RunningTail> tails_;
};

}  // namespace

const ModuleClass& files_class() {
    return module_class<FilesModule>();
}

}  // namespace weir::files

WEIR_PLUGIN(files, weir::files::FilesModule)
