#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "modules/zookeeper/path.h"
#include "modules/zookeeper/request.h"

namespace weir::zookeeper {

// A request that is under way, with a result of type T. Awaiting it returns the result, or throws
// an Error. To send several requests at once, without waiting for each answer, make them first:
//
//     auto making = session.create(path, "mine", CreateMode::ephemeral);
//     auto listing = session.children("/members");
//     const Created created = co_await making;
//     const Children children = co_await listing;
//
// A request that is destroyed before it has an answer may be done nevertheless.
template <class T>
class [[nodiscard]] Pending : public Request {
public:
    using Decode = T (*)(Reply reply, const Chroot& chroot);

    // The chroot must outlive this.
    Pending(Requests& requests, const Chroot& chroot, Decode decode, Question question,
            Time deadline)
        : Request(requests, std::move(question), deadline), chroot_(chroot), decode_(decode) {}

    class Awaiter;
    Awaiter operator co_await() noexcept { return Awaiter(*this); }

private:
    const Chroot& chroot_;
    const Decode decode_;
};

template <class T>
class Pending<T>::Awaiter final : public WaitForResult<Pending> {
public:
    explicit Awaiter(Pending& request) noexcept : WaitForResult<Pending>(request) {}

    T await_resume() {
        Pending& request = this->finish_request();
        return request.decode_(request.take_reply(), request.chroot_);
    }
    std::string describe() const override {
        return "an answer of ZooKeeper to " + this->request().question().doing();
    }
};

}  // namespace weir::zookeeper
