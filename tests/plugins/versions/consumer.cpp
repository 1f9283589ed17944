// Depends on the producer, and echoes its announcements with its own version.
#include "core/wait/send.h"
#include "modules/system/module/plugin.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/support/plugin_version.h"

namespace {

class Consumer : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Consumer>("consumer", "Echoes announcements")
            .depends_on("producer");
    }

    weir::Task<> load() override {
        start(echo(), {.name = "consumer.echo", .daemon = true, .foreground = true});
        co_return;
    }

private:
    weir::Task<> echo() {
        const weir::MatcherOf<Announcement> announcements = weir::match<Announcement>().make();
        for (;;) {
            const weir::Ref<Announcement> heard = co_await announcements;
            weir::Ref<weir::Event> event = weir::make_event<Echo>(
                heard->a + heard->b, std::string(weir::test::plugin_version));
            co_await weir::send(std::move(event));
        }
    }
};

}  // namespace

WEIR_PLUGIN(consumer, Consumer)
