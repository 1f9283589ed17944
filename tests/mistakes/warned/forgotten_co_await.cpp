// Lines that end in "warned" do nothing, because what they make is not awaited or not kept.

#include <weir/core.h>
#include <weir/lock.h>
#include <weir/module.h>

namespace {

struct Poured : weir::Event {
    weir::Index<std::string> tea;

    static auto declare() {
        return weir::declare_event<Poured>("tea.Poured").index("tea", &Poured::tea);
    }
};

struct Cup {
    int size = 1;

    static weir::config::Settings<Cup> describe() {
        using weir::config::setting;
        return weir::config::settings<Cup>("A cup", setting("size", &Cup::size, "How large"));
    }
};

}  // namespace

weir::Task<> drink(weir::Lock& lock, Cup cup);
weir::Task<> drink(weir::Lock& lock, Cup cup) {
    const weir::MatcherOf<Poured> poured = weir::match<Poured>("green");
    weir::match<Poured>();                             // warned
    weir::any_of(poured, poured);                      // warned
    weir::sleep(std::chrono::seconds(1));              // warned
    weir::send(weir::make_event<Poured>("green"));     // warned
    weir::call("tea", "pour");                         // warned
    weir::call<int>("tea", "pour", cup);               // warned
    weir::execute_with_timeout({}, drink(lock, cup));  // warned
    lock.lock();                                       // warned
    lock.acquire();                                    // warned
    co_await poured;
    co_await weir::sleep(std::chrono::seconds(1));
    co_await weir::send(weir::make_event<Poured>("green"));
    co_await lock.lock();
}
