#include "core/base/ref.h"

#include <type_traits>

#include <catch2/catch.hpp>

namespace weir {

namespace {

// Counts its living objects.
struct Counted : RefCounted<Counted> {
    explicit Counted(int& live) : live_(live) { ++live_; }
    virtual ~Counted() { --live_; }
    int& live_;
};

struct Derived : Counted {
    using Counted::Counted;
};

}  // namespace

TEST_CASE("an object lives as long as the last reference to it", "[ref]") {
    int live = 0;
    Ref<Counted> first(new Counted(live));
    Ref<Counted> second = first;
    CHECK(first == second);
    first.reset();
    CHECK(live == 1);
    CHECK(first == nullptr);
    second = nullptr;
    CHECK(live == 0);
}

TEST_CASE("moving a reference empties its source", "[ref]") {
    int live = 0;
    Ref<Counted> from(new Counted(live));
    const Ref<Counted> to = std::move(from);
    CHECK_FALSE(from);
    CHECK(to);
    CHECK(&*to == to.get());
    CHECK(to->live_ == 1);
}

TEST_CASE("a reference may be assigned to itself", "[ref]") {
    int live = 0;
    Ref<Counted> ref(new Counted(live));
    const Ref<Counted>& same = ref;
    ref = same;
    CHECK(live == 1);
    ref = std::move(const_cast<Ref<Counted>&>(same));
    CHECK(live == 1);
}

TEST_CASE("a reference to a derived object converts to a reference to its base", "[ref]") {
    int live = 0;
    Ref<Derived> derived(new Derived(live));
    Ref<Counted> copied = derived;
    CHECK(copied.get() == derived.get());
    derived.reset();
    CHECK(live == 1);
    Ref<Derived> other(new Derived(live));
    copied = std::move(other);
    CHECK(live == 1);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<Ref<Counted>, Ref<Derived>>);
}

TEST_CASE("a detached count can be adopted again", "[ref]") {
    int live = 0;
    Ref<Counted> ref(new Counted(live));
    Counted* object = ref.detach();
    CHECK(live == 1);
    CHECK_FALSE(ref);
    ref = Ref<Counted>::adopt(object);
    ref.reset();
    CHECK(live == 0);
}

}  // namespace weir
