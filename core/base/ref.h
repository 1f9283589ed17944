#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace weir {

// A counted reference to an object that carries its own count: T has `retain()` and `release()`,
// the latter destroying the object with the last reference. As std::shared_ptr, but one word, and
// not for sharing between threads.
template <class T>
class Ref {
public:
    constexpr Ref() noexcept = default;
    constexpr Ref(std::nullptr_t) noexcept {}

    explicit Ref(T* object) noexcept : object_(object) {
        if (object_ != nullptr) {
            object_->retain();
        }
    }

    Ref(const Ref& other) noexcept : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}

    template <class U>
        requires(!std::is_same_v<U, T> && std::is_convertible_v<U*, T*>)
    Ref(const Ref<U>& other) noexcept : Ref(static_cast<T*>(other.get())) {}

    template <class U>
        requires(!std::is_same_v<U, T> && std::is_convertible_v<U*, T*>)
    Ref(Ref<U>&& other) noexcept : object_(other.detach()) {}

    ~Ref() { reset(); }

    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }

    void reset() noexcept {
        if (T* object = std::exchange(object_, nullptr)) {
            object->release();
        }
    }

    // Gives up the reference without releasing it: the caller owns the count. See `adopt`.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }

    // Takes over a count that the caller owns.
    [[nodiscard]] static Ref adopt(T* object) noexcept {
        Ref ref;
        ref.object_ = object;
        return ref;
    }

    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

    friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }
    friend bool operator==(const Ref& a, std::nullptr_t) noexcept { return a.object_ == nullptr; }

private:
    T* object_ = nullptr;
};

// The count for objects with a virtual destructor or none to speak of: `class X : RefCounted<X>`.
template <class T>
class RefCounted {
public:
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) {
            delete static_cast<T*>(this);
        }
    }

protected:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    ~RefCounted() = default;

private:
    std::uint32_t references_ = 0;
};

}  // namespace weir
