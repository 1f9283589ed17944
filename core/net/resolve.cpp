#include "core/net/resolve.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <compare>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>

#include "core/net/socket_error.h"
#include "core/run/poster.h"
#include "core/run/wait.h"
#include "core/stream/socket_events.h"

namespace weir {
namespace {

// The most searches that run at a time; further ones wait. A silent name server holds a thread for
// some 10 to 30 s for each name.
constexpr std::size_t most_searches = 64;

// How long a search without memory waits until it tries again: a routine waits for it.
constexpr std::chrono::milliseconds out_of_memory_wait{10};

// Names that are searched for alike have the same answer.
struct Question {
    std::string host;
    ResolveFor purpose;

    auto operator<=>(const Question&) const = default;
};

struct Found {
    int error = 0;
    std::vector<SocketAddress> addresses;  // with port 0
};

// libuv's code for an error of getaddrinfo().
int uv_code(int error) noexcept {
    switch (error) {
        case 0:
            return 0;
        case EAI_AGAIN:
            return UV_EAI_AGAIN;
        case EAI_BADFLAGS:
            return UV_EAI_BADFLAGS;
        case EAI_FAIL:
            return UV_EAI_FAIL;
        case EAI_FAMILY:
            return UV_EAI_FAMILY;
        case EAI_MEMORY:
            return UV_EAI_MEMORY;
        case EAI_NODATA:
            return UV_EAI_NODATA;
        case EAI_SYSTEM:
            return -errno;
        default:
            return UV_EAI_NONAME;
    }
}

Found search(const Question& question) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    // Connecting, addresses of a family that this machine does not use are only in the way.
    hints.ai_flags = question.purpose == ResolveFor::connecting ? AI_ADDRCONFIG : AI_PASSIVE;
    if (std::ranges::any_of(question.host, [](char c) { return (c & 0x80) != 0; })) {
        hints.ai_flags |= AI_IDN;
    }
    addrinfo* list = nullptr;
    Found found;
    found.error = uv_code(::getaddrinfo(question.host.c_str(), nullptr, &hints, &list));
    for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
        found.addresses.emplace_back(info->ai_addr, info->ai_addrlen);
    }
    if (list != nullptr) {
        ::freeaddrinfo(list);
    }
    return found;
}

std::shared_ptr<const Found> search_or_fail(const Question& question) {
    for (;;) {
        try {
            return std::make_shared<const Found>(search(question));
        } catch (const std::bad_alloc&) {
            std::this_thread::sleep_for(out_of_memory_wait);
        }
    }
}

// What a routine waits for. Shared with the function that its scheduler is posted; both use it on
// the scheduler's thread alone.
struct Answer {
    explicit Answer(Scheduler& scheduler) : keep(scheduler) {}

    const Poster keep;        // the scheduler does not end while a routine waits
    Source* asker = nullptr;  // null: the routine has left
    std::shared_ptr<const Found> found;
};

// The searches of this process that are under way, each on its own thread: libuv has threads for
// two, which two names of a silent server would occupy. All routines that ask for a name during its
// search get the same answer, whatever their scheduler.
//
// A search continues when its routines have left: those that ask again and again for a name whose
// server is silent use one thread. Never destroyed, because the threads may outlive main().
class Searches {
public:
    static Searches& of_process() {
        static auto& searches = *new Searches;
        return searches;
    }

    void ask(Question question, Scheduler& scheduler, const std::shared_ptr<Answer>& answer) {
        const std::lock_guard lock(mutex_);
        const auto [at, is_new] = under_way_.try_emplace(question);
        at->second.push_back({answer, Poster(scheduler, true)});
        if (!is_new) {
            return;
        }
        if (threads_ == most_searches) {
            waiting_.push_back(std::move(question));
            return;
        }
        try {
            std::thread([this, question] { work(question); }).detach();
            ++threads_;
        } catch (const std::system_error&) {
            under_way_.erase(at);
            throw SocketError("looking up " + question.host, UV_EAGAIN);
        }
    }

private:
    struct Asked {
        std::weak_ptr<Answer> answer;
        Poster poster;  // a daemon's: a search alone keeps no scheduler running
    };

    void work(Question question) {
        for (;;) {
            const std::shared_ptr<const Found> found = search_or_fail(question);
            std::unique_lock lock(mutex_);
            const auto node = under_way_.extract(question);
            const bool goes_on = !waiting_.empty();
            if (goes_on) {
                question = std::move(waiting_.front());
                waiting_.pop_front();
            } else {
                --threads_;
            }
            lock.unlock();
            for (const Asked& asked : node.mapped()) {
                tell(asked, found);
            }
            if (!goes_on) {
                return;
            }
        }
    }

    static void tell(const Asked& asked, const std::shared_ptr<const Found>& found) {
        for (;;) {
            try {
                if (std::shared_ptr<Answer> answer = asked.answer.lock()) {
                    asked.poster.post([answer = std::move(answer), found] {
                        answer->found = found;
                        if (answer->asker != nullptr) {
                            answer->asker->signal(SocketEvent::Type::changed);
                        }
                    });
                }
                return;
            } catch (const std::bad_alloc&) {
                std::this_thread::sleep_for(out_of_memory_wait);
            }
        }
    }

    std::mutex mutex_;
    std::map<Question, std::vector<Asked>> under_way_;
    std::deque<Question> waiting_;  // of these, for a thread
    std::size_t threads_ = 0;
};

// A routine that waits for the answer to its question.
class Asker final : public Source {
public:
    explicit Asker(Scheduler& scheduler)
        : Source(scheduler), answer_(std::make_shared<Answer>(scheduler)) {
        answer_->asker = this;
    }
    ~Asker() { answer_->asker = nullptr; }

    void ask(Question question) {
        Searches::of_process().ask(std::move(question), scheduler(), answer_);
    }
    // Null before the answer is there.
    const Found* found() const noexcept { return answer_->found.get(); }

private:
    const std::shared_ptr<Answer> answer_;
};

// The hosts that mean this machine, in numbers; none: the host is another one.
std::vector<std::string> own_hosts(const std::string& host, ResolveFor purpose) {
    if (host.empty() && purpose == ResolveFor::listening) {
        return {"0.0.0.0", "::"};
    }
    if (host.empty() || host == "localhost") {
        return {"127.0.0.1", "::1"};
    }
    return {};
}

void remove_duplicates(std::vector<SocketAddress>& addresses) {
    std::vector<SocketAddress> unique;
    for (const SocketAddress& address : addresses) {
        if (std::ranges::find(unique, address) == unique.end()) {
            unique.push_back(address);
        }
    }
    addresses = std::move(unique);
}

}  // namespace

Task<std::vector<SocketAddress>> resolve(Scheduler& scheduler, Address address,
                                         ResolveFor purpose) {
    std::vector<SocketAddress> found;
    if (address.kind == Address::Kind::unix_socket) {
        found.push_back(SocketAddress::of_unix(address.path));
        co_return found;
    }
    if (address.kind == Address::Kind::systemd) {
        throw SocketError("looking up " + address.text(), UV_EAI_NONAME,
                          "only a server of this process listens there");
    }
    for (const std::string& host : own_hosts(address.host, purpose)) {
        found.push_back(SocketAddress::of_number(host, address.port).value());
    }
    if (const auto number = SocketAddress::of_number(address.host, address.port)) {
        found.push_back(*number);
    }
    if (!found.empty()) {
        co_return found;
    }
    loop_of(scheduler);  // throws in a simulation, which has no names
    Asker asker(scheduler);
    const MatcherOf<SocketEvent> changed = asker.matcher(SocketEvent::Type::changed);
    asker.ask({address.host, purpose});
    while (asker.found() == nullptr) {
        asker.want(SocketEvent::Type::changed);
        co_await changed;
    }
    const Found& answer = *asker.found();
    if (answer.error != 0 || answer.addresses.empty()) {
        throw SocketError("looking up " + address.text(),
                          answer.error != 0 ? answer.error : UV_EAI_NODATA);
    }
    for (const SocketAddress& one : answer.addresses) {
        found.push_back(one.with_port(address.port));
    }
    if (purpose == ResolveFor::listening) {
        std::ranges::stable_partition(
            found, [](const SocketAddress& one) { return one.family() == AF_INET; });
    }
    remove_duplicates(found);
    co_return found;
}

}  // namespace weir
