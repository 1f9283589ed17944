#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace weir {

/// A counted reference to an object that holds its own count. T has `retain()` and `release()`; the
/// `release()` of the last reference destroys the object. Like std::shared_ptr, but one word, and
/// the references to an object must stay on one thread.
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

    /// Returns the object without releasing it: the caller now owns one count. See `adopt`.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }

    /// Returns a reference that takes over a count that the caller owns.
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

/// The count, as a base class: `class X : public RefCounted<X>`. The object is deleted as a T, so
/// that either it is a T exactly or T has a virtual destructor.
template <class T>
class RefCounted {
public:
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) {
            delete static_cast<T*>(this);
        }
    }
    /// Returns whether there is one reference only: the caller's.
    bool sole() const noexcept { return references_ == 1; }

protected:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    ~RefCounted() = default;

private:
    std::uint32_t references_ = 0;
};

}  // namespace weir
