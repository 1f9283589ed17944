// Answers with its version, and sends announcements on request.
#include <stdexcept>

#include "core/wait/send.h"
#include "modules/system/module/plugin.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/support/plugin_version.h"

namespace {

struct Numbers {
    int a = 0;
    int b = 0;

    static weir::config::Settings<Numbers> describe() {
        using weir::config::setting;
        const bool twice = weir::test::plugin_version == "twice";
        const int most = weir::test::plugin_version == "inverted" ? -1 : 1000;
        return weir::config::settings<Numbers>(
            "Two numbers", setting("a", &Numbers::a, "One").range(0, most),
            setting(twice ? "a" : "b", &Numbers::b, "The other"));
    }
};

class Producer : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Producer>("producer", "Sends announcements")
            .function("version", "Which version this is", &Producer::version)
            .function("add", "Adds two numbers", &Producer::add)
            .function("announce", "Tells two numbers to all", &Producer::announce)
            .function("fail", "Fails", &Producer::fail);
    }

    weir::Task<> load() override {
        if (weir::test::plugin_version == "broken") {
            throw std::runtime_error("this version is broken");
        }
        co_return;
    }

private:
    std::string version() { return std::string(weir::test::plugin_version); }
    weir::Task<int> add(Numbers numbers) { co_return numbers.a + numbers.b; }
    weir::Task<> announce(Numbers numbers) {
        weir::Ref<weir::Event> event = weir::make_event<Announcement>(numbers.a, numbers.b);
        co_await weir::send(std::move(event));
    }
    void fail() { throw std::runtime_error("test"); }
};

}  // namespace

WEIR_PLUGIN(producer, Producer)
