#include "modules/webhook/receiver.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "config/text/utf8.h"
#include "core/run/routine.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/timeout.h"
#include "modules/http/counted.h"
#include "modules/http/retry_after.h"
#include "modules/http/target.h"
#include "modules/http/url.h"

namespace weir::webhook {

namespace {

bool is_worth_a_retry(int status) noexcept {
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

std::string refusal_text(const http::ClientResponse& response) {
    constexpr std::size_t shown = 200;
    std::string text = "the answer is " + std::to_string(response.status);
    if (!response.body.empty()) {
        const std::string_view begin = std::string_view(response.body).substr(0, shown);
        text += ": " + std::string(begin.substr(0, config::utf8_prefix(begin)));
    }
    return text;
}

Receiver::Receiver(Scheduler& scheduler, http::HttpClient& client, Condition& ended,
                   std::string name, ReceiverSettings settings, std::string secret, GiveUp give_up)
    : scheduler_(scheduler),
      client_(client),
      ended_(ended),
      name_(std::move(name)),
      settings_(std::move(settings)),
      secret_(std::move(secret)),
      give_up_(std::move(give_up)),
      room_(scheduler, settings_.waiting),
      container_(scheduler) {}

std::string Receiver::url_with(const std::string& path) const {
    if (path.empty()) {
        return settings_.url;
    }
    if (path.front() != '/' && path.front() != '?') {
        throw std::invalid_argument("path: begins with neither '/' nor '?'");
    }
    if (http::has_dot_segments(path.substr(0, path.find_first_of("?#")))) {
        throw std::invalid_argument("path: leads away from the receiver's address");
    }
    std::string base = settings_.url;
    if (path.front() == '/' && base.ends_with('/')) {
        base.pop_back();
    }
    const http::Url url = http::Url::parse(base + path);
    if (url.origin() != http::Url::parse(settings_.url).origin()) {
        throw std::invalid_argument("path: leads away from the receiver's address");
    }
    return url.text();
}

Task<> Receiver::add(Outgoing request) {
    struct Place {
        Receiver& receiver;
        Entries::iterator entry;
        ~Place() {
            if (!entry->entered) {
                receiver.waiting_.erase(entry);
                receiver.ended_.notify();
            }
        }
    };
    {
        waiting_.emplace_back(std::move(request), room_, Slots::Turn::wait);
        const Place place{*this, std::prev(waiting_.end())};
        co_await place.entry->place->granted();
        place.entry->entered = true;
    }
    start_all_workers();  // one that came later may have entered before, and waits behind this one
}

Task<http::ClientResponse> Receiver::ask(Outgoing request) {
    http::ClientRequest made = make(request);
    co_return co_await client_.request(std::move(made));
}

void Receiver::change(ReceiverSettings settings, std::string secret) {
    settings_ = std::move(settings);
    secret_ = std::move(secret);
    room_.set_count(settings_.waiting);
    start_all_workers();
}

void Receiver::begin() {
    begun_ = true;
    start_all_workers();
}

std::vector<Outgoing> Receiver::stop() {
    begun_ = false;
    container_.close();
    std::vector<Outgoing> left;
    for (const Entry& entry : running_) {
        left.push_back(entry.request);
    }
    running_.clear();
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
        if (entry->entered) {
            left.push_back(entry->request);
            entry = waiting_.erase(entry);
        } else {
            ++entry;
        }
    }
    return left;
}

void Receiver::take_over(std::vector<Outgoing> requests) {
    Entries taken;
    for (Outgoing& request : requests) {
        taken.emplace_back(std::move(request), room_, Slots::Turn::none);
    }
    waiting_.splice(waiting_.begin(), taken);
    start_all_workers();
}

// --- delivering

// Up to so many: a worker for which there is nothing to do ends at once.
void Receiver::start_workers(std::size_t most) {
    for (; begun_ && most != 0 && workers_ < settings_.at_once; --most) {
        container_.start(work(), {.name = "webhook '" + name_ + "'"});
    }
}

void Receiver::start_all_workers() {
    start_workers(std::min<std::size_t>(waiting_.size(), settings_.at_once));
}

// Ends when there is nothing to do, or when there are too many workers.
Task<> Receiver::work() {
    const http::Counted counted(workers_);
    while (workers_ <= settings_.at_once && !waiting_.empty() && waiting_.front().entered) {
        const auto entry = waiting_.begin();
        running_.splice(running_.end(), waiting_, entry);
        entry->place.reset();
        try {
            Task<> delivering = deliver(entry->request);
            co_await delivering;
        } catch (const QuitException&) {
            throw;  // stop() takes what is under way
        } catch (...) {
            scheduler_.log_exception("delivering the request " + entry->request.id +
                                     " to the receiver '" + name_ + "' ended");
        }
        running_.erase(entry);
        ended_.notify();
    }
}

Task<> Receiver::deliver(const Outgoing& request) {
    for (std::uint32_t tries = 1;; ++tries) {
        Task<std::optional<Failure>> trying = try_once(request);
        const std::optional<Failure> failure = co_await trying;
        if (!failure) {
            ++counts_.delivered;
            co_return;
        }
        const RetrySettings& retry = settings_.retry;
        if (failure->is_final || tries > retry.times) {
            ++counts_.failed;
            Task<> telling = give_up_(*this, request, *failure, tries);
            co_await telling;
            co_return;
        }
        ++counts_.retries;
        const Duration wanted =
            std::min<Duration>(failure->retry_after.value_or(Duration()), retry.longest);
        co_await sleep(std::max(retry.pause_after(tries, scheduler_), wanted));
    }
}

Task<std::optional<Failure>> Receiver::try_once(const Outgoing& request) {
    std::optional<Failure> failure;
    try {
        http::ClientRequest made = make(request);
        const http::ClientResponse response = co_await client_.request(std::move(made));
        if (!response.is_success()) {
            failure =
                Failure{refusal_text(response), response.status, !is_worth_a_retry(response.status),
                        http::retry_after(response.headers)};
        }
    } catch (const QuitException&) {
        throw;
    } catch (const http::ClientError& error) {
        failure = Failure{error.what(), 0, error.stage() == http::ClientStage::address, {}};
    } catch (const std::invalid_argument& error) {
        failure = Failure{error.what(), 0, true, {}};
    } catch (const std::exception& error) {  // as no memory
        failure = Failure{error.what(), 0, false, {}};
    }
    co_return failure;
}

http::ClientRequest Receiver::make(const Outgoing& request) const {
    http::ClientRequest made(request.method, url_with(request.path), request.body);
    for (const auto& headers : {settings_.headers, request.headers}) {
        for (const auto& [header_name, value] : headers) {
            made.headers.set(header_name, value);
        }
    }
    made.headers.set("Idempotency-Key", request.id);
    const std::int64_t now = wall_clock(scheduler_.poller()) / 1'000'000;
    sign(settings_.signature, secret_, request.body, now, made.headers);
    made.timeout = settings_.timeout;
    return made;
}

}  // namespace weir::webhook
