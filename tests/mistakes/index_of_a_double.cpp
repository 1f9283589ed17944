// an index is an integer, an enum, a std::string, a pointer, an IndexValue, or a tuple of these

#include <weir/core.h>

struct Poured : weir::Event {
    weir::Index<double> strength;

    static auto declare() {
        return weir::declare_event<Poured>("tea.Poured").index("strength", &Poured::strength);
    }
};

weir::Ref<Poured> pour();
weir::Ref<Poured> pour() {
    return weir::make_event<Poured>(1.5);
}
