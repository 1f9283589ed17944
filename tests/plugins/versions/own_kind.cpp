// Has a queue of a kind that the plugin brings. Its answer is its version.
#include "apps/examples/extend/01-queue/lifo_queue.h"
#include "core/wait/send.h"
#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

struct Paper : weir::Event {
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<Paper>("test.Paper").index("number", &Paper::number).blocking();
    }
};

// The event of the version "wide": its index lies elsewhere.
struct WidePaper : weir::Event {
    std::string text;
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<WidePaper>("test.Paper")
            .index("number", &WidePaper::number)
            .blocking();
    }
};

struct Sheet {
    int number = 0;

    static weir::config::Settings<Sheet> describe() {
        return weir::config::settings<Sheet>(
            "A sheet of paper", weir::config::setting("number", &Sheet::number, "Its"));
    }
};

class OwnKind : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<OwnKind>("own_kind", "Piles paper")
            .event<Paper>()
            .function("pile", &OwnKind::pile)
            .function("take", "Takes the sheet on top", &OwnKind::take_top)
            .function("version", "Which version this is", &OwnKind::version);
    }

    weir::Task<> load() override {
        const auto lifo = [](std::size_t limit) { return std::make_unique<LifoQueue>(limit); };
        weir::Matcher papers = weir::match<Paper>().make();
        if (weir::test::plugin_version == "wide") {
            papers = weir::match<WidePaper>().make();
        }
        pile_ = add_queue(scheduler().queue(), "pile", 500, std::move(papers),
                          {.max_default = 10, .kind = lifo});
        co_return;
    }

private:
    weir::Task<> pile(Sheet sheet) { co_await weir::send(weir::make_event<Paper>(sheet.number)); }
    weir::Task<int> take_top() {
        const weir::MatcherOf<Paper> any = weir::match<Paper>().make();
        const weir::Ref<Paper> top = co_await any;
        top->set_ignorable();
        co_return top->number.get();
    }
    std::string version() { return std::string(weir::test::plugin_version); }

    weir::Ref<weir::Queue> pile_;
};

}  // namespace

WEIR_PLUGIN(own_kind, OwnKind)
