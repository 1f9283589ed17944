// Hands nothing over. Its calls may take long, and it may hold something.
#include <chrono>
#include <memory>

#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/support/plugin_version.h"

namespace {

using weir::config::setting;

struct Keep {
    int seconds = 0;

    static weir::config::Settings<Keep> describe() {
        return weir::config::settings<Keep>("Keeps the caller waiting",
                                            setting("seconds", &Keep::seconds, "How long"));
    }
};

struct KeeperSettings {
    int changing = 1;
    int fixed = 1;

    static weir::config::Settings<KeeperSettings> describe() {
        using S = KeeperSettings;
        return weir::config::settings<S>(
            "Keeps", setting("changing", &S::changing, "May change while it runs"),
            setting("fixed", &S::fixed, "May not").fixed());
    }
};

class Keeper : public weir::ModuleOf<KeeperSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Keeper>("keeper", "Keeps callers waiting")
            .event<Announcement>()
            .queue<Announcement>("keeper", 500)
            .function("keep", &Keeper::keep)
            .function("hold", "Holds itself until it is called again", &Keeper::hold_or_not)
            .function("settings", "How they have changed", &Keeper::changes);
    }

    // Two versions that run this at the same time would echo twice.
    void begin() override {
        start(echo(), {.name = "keeper.echo", .daemon = true, .foreground = true});
    }

    using ModuleOf::settings_changed;
    void settings_changed(const KeeperSettings& before) override {
        changes_ += std::to_string(before.changing) + " to " + std::to_string(settings().changing) +
                    ", fixed " + std::to_string(settings().fixed) + "; ";
    }

private:
    weir::Task<std::string> keep(Keep parameters) {
        co_await weir::sleep(std::chrono::seconds(parameters.seconds));
        co_return std::string(weir::test::plugin_version);
    }
    void hold_or_not() { hold_ = hold_ == nullptr ? hold("a handle of keeper") : nullptr; }
    std::string changes() { return changes_; }

    weir::Task<> echo() {
        const weir::MatcherOf<Announcement> announcements = weir::match<Announcement>().make();
        for (;;) {
            const weir::Ref<Announcement> heard = co_await announcements;
            weir::Ref<weir::Event> event =
                weir::make_event<Echo>(heard->a, std::string(weir::test::plugin_version));
            co_await weir::send(std::move(event));
        }
    }

    std::unique_ptr<weir::Hold> hold_;
    std::string changes_;
};

}  // namespace

WEIR_PLUGIN(keeper, Keeper)
