#include "modules/system/log/writer.h"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include "modules/system/log/outlet.h"

namespace weir {

namespace {

using Thread = spdlog::details::thread_pool;

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

// While it lives, threads that are started block all signals: only the main thread handles signals.
// A write to a closed pipe therefore fails with EPIPE and does not end the process.
class NoSignals {
public:
    NoSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;

private:
    sigset_t before_;
};

std::shared_ptr<Thread> start_thread(std::size_t queue) {
    const NoSignals no_signals;
    return std::make_shared<Thread>(queue, 1);
}

std::string lines(std::uint64_t count) {
    return count == 1 ? "1 line was" : std::to_string(count) + " lines were";
}

// Writes lines on the writer's thread, and keeps what that thread shares with those that log.
class LogOutput final : public spdlog::sinks::sink {
public:
    explicit LogOutput(const LogSettings& settings)
        : settings_(settings), outlet_(open_log_outlet(settings)) {}

    // --- for threads that log

    // Must be called before the first line.
    void set_thread(Thread& thread) noexcept { thread_ = &thread; }
    void count_refused() noexcept { ++refused_; }
    // Asks for other settings, once so many lines have been written or dropped.
    void ask_for(const LogSettings& settings, std::uint64_t after) {
        const std::lock_guard lock(mutex_);
        asked_for_ = settings;
        asked_after_ = after;
    }
    std::uint64_t dropped() const noexcept { return not_queued() + not_written_; }
    bool wait_for(std::uint64_t count, std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return done_ + not_queued() >= count; });
    }

    // --- for the writer's thread

    void log(const spdlog::details::log_msg& message) override {
        try {
            open_anew();
            write(message);
        } catch (...) {
            // There is no memory to say what is wrong.
        }
        const std::lock_guard lock(mutex_);
        ++done_;
        changed_.notify_all();
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

private:
    std::uint64_t not_queued() const noexcept { return thread_->overrun_counter() + refused_; }

    void open_anew() {
        std::optional<LogSettings> wanted;
        {
            const std::lock_guard lock(mutex_);
            if (asked_for_ && done_ + not_queued() >= asked_after_) {
                wanted = std::exchange(asked_for_, std::nullopt);
            }
        }
        if (!wanted && trouble_.empty()) {
            return;
        }
        const LogSettings next = wanted.value_or(settings_);
        try {
            outlet_ = open_log_outlet(next);
            settings_ = next;
        } catch (const std::exception& error) {
            if (wanted) {
                const std::string text =
                    std::string("the log goes on where it was: ") + error.what();
                say(LogLevel::error, text);
                complain(text);
            }
        }
    }

    void write(const spdlog::details::log_msg& message) {
        try {
            say_what_is_missing();
            put(message);
            trouble_.clear();
        } catch (const std::exception& error) {
            ++not_written_;
            const bool is_new = trouble_ != error.what();
            trouble_ = error.what();
            if (is_new && settings_.file) {
                complain("the log cannot be written: " + trouble_);
            }
        }
    }

    void say_what_is_missing() {
        if (const std::uint64_t count = not_queued(); count != not_queued_said_) {
            put_text(LogLevel::warning,
                     lines(count - not_queued_said_) +
                         " dropped here: more came than could be written meanwhile");
            not_queued_said_ = count;
        }
        if (const std::uint64_t count = not_written_; count != not_written_said_) {
            put_text(LogLevel::warning,
                     lines(count - not_written_said_) + " dropped here: " + trouble_);
            not_written_said_ = count;
        }
    }

    // Flushes each line, so that readers see it at once and a failure is known to be this line's.
    void put(const spdlog::details::log_msg& message) {
        outlet_->log(message);
        outlet_->flush();
    }
    void put_text(LogLevel level, const std::string& text) {
        put(spdlog::details::log_msg({}, level_of(level), log_payload({level, text})));
    }
    void say(LogLevel level, const std::string& text) {
        try {
            put_text(level, text);
        } catch (const std::exception&) {
            // The next line finds out what is wrong with writing.
        }
    }
    // On standard error, where people look when they do not find their log.
    static void complain(const std::string& what) {
        const std::string text = "weir: error: " + what + '\n';
        [[maybe_unused]] const ssize_t nowhere_left =
            ::write(STDERR_FILENO, text.data(), text.size());
    }

    LogSettings settings_;
    spdlog::sink_ptr outlet_;
    Thread* thread_ = nullptr;
    std::string trouble_;  // why the last line was not written; empty: it was
    std::uint64_t not_queued_said_ = 0;
    std::uint64_t not_written_said_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;
    std::atomic<std::uint64_t> not_written_ = 0;

    // Never held while something is written.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t done_ = 0;  // lines that were written or could not be
    std::optional<LogSettings> asked_for_;
    std::uint64_t asked_after_ = 0;
};

}  // namespace

struct LogWriter::Parts {
    explicit Parts(LogSettings given)
        : settings(std::move(given)),
          output(std::make_shared<LogOutput>(settings)),
          thread(start_thread(settings.queue)),
          logger(std::make_shared<spdlog::async_logger>(
              "weir", output, thread, spdlog::async_overflow_policy::overrun_oldest)) {
        output->set_thread(*thread);
        logger->set_level(spdlog::level::debug);
    }
    // The thread must end before what it uses is destroyed.
    ~Parts() { thread.reset(); }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    LogSettings settings;
    std::shared_ptr<LogOutput> output;
    std::shared_ptr<Thread> thread;
    std::shared_ptr<spdlog::async_logger> logger;
    std::atomic<std::uint64_t> lines = 0;  // given to write()
};

LogWriter::LogWriter(LogSettings settings) : parts_(std::make_unique<Parts>(std::move(settings))) {}

LogWriter::~LogWriter() {
    if (!flush()) {
        // The thread hangs in a write; joining it would never return.
        [[maybe_unused]] Parts* left_behind = parts_.release();
    }
}

void LogWriter::write(const LogRecord& record) noexcept {
    try {
        parts_->logger->log(level_of(record.level), log_payload(record));
    } catch (...) {
        parts_->output->count_refused();
    }
    ++parts_->lines;
}

void LogWriter::change(LogSettings settings) {
    settings.queue = parts_->settings.queue;
    parts_->settings = std::move(settings);
    reopen();
}

void LogWriter::reopen() {
    parts_->output->ask_for(parts_->settings, parts_->lines);
}

bool LogWriter::flush(std::chrono::milliseconds limit) {
    return parts_->output->wait_for(parts_->lines, limit);
}

std::uint64_t LogWriter::dropped() const noexcept {
    return parts_->output->dropped();
}

}  // namespace weir
