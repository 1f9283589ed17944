#include "apps/weir/top_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "apps/weir/top_frame.h"
#include "apps/weir/top_screen.h"
#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

using Clock = std::chrono::steady_clock;

TopView view_of(const std::string& name) {
    const auto found = std::find(top_view_names.begin(), top_view_names.end(), name);
    if (found == top_view_names.end()) {
        throw std::invalid_argument("there is no view '" + name + "'");
    }
    return static_cast<TopView>(found - top_view_names.begin());
}

// The last two answers of the server about its state.
class Looks {
public:
    explicit Looks(RemoteAddress server) : address_(std::move(server)) {}

    const std::string& address() const { return address_.address; }
    const Json& before() const { return before_; }
    const Json& now() const { return now_; }

    // Asks the server what a view shows. Throws std::runtime_error; the next call connects again.
    void look(TopView view) {
        try {
            if (server_ == nullptr) {
                server_ = std::make_unique<RemoteServer>(address_);
            }
            Json seen =
                Json::parse(server_->call("manager", "inspect", top_parameters(view).dump()));
            if (view == TopView::rules) {
                seen["rules"] = has_rules(seen) ? Json::parse(server_->call("rules", "list", "{}"))
                                                : Json::array();
            }
            before_ = std::move(now_);
            now_ = std::move(seen);
        } catch (...) {
            server_.reset();
            throw;
        }
    }

private:
    static bool has_rules(const Json& seen) {
        return std::ranges::any_of(seen.at("modules"), [](const Json& module) {
            return module.at("name") == "rules" && module.at("state") == "succeeded";
        });
    }

    const RemoteAddress address_;
    std::unique_ptr<RemoteServer> server_;
    Json before_;
    Json now_;
};

// --- printed

void print_frames(const TopCommand& top) {
    TopState state{.view = view_of(top.view)};
    Looks looks(top.server);
    looks.look(state.view);
    for (unsigned printed = 0; !top.count || printed != *top.count; ++printed) {
        std::this_thread::sleep_for(std::chrono::duration<double>(top.interval));
        looks.look(state.view);
        const TopFrame frame = top_frame(top.server.address, looks.before(), looks.now(), state);
        std::string text;
        for (const std::string& line : frame.lines) {
            text += line + '\n';
        }
        print(printable_json(text) + '\n');
    }
}

// --- in the terminal

class Top {
public:
    Top(Looks& looks, TopState state, double interval)
        : looks_(looks),
          state_(state),
          interval_(std::chrono::duration_cast<Clock::duration>(
              std::chrono::duration<double>(interval))) {}

    void run() {
        next_look_ = Clock::now() + interval_;
        for (;;) {
            show();
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                std::max(next_look_ - Clock::now(), Clock::duration()));
            const TopKey key = screen_.key(static_cast<int>(left.count()));
            if (key == TopKey::quit) {
                return;
            }
            const TopView view = state_.view;
            obey(key);
            if (view != state_.view || Clock::now() >= next_look_) {
                look();
            }
        }
    }

private:
    void look() {
        try {
            looks_.look(state_.view);
            trouble_.clear();
            shown_view_ = state_.view;
        } catch (const std::exception& error) {
            trouble_ = shown(error.what());
        }
        next_look_ = Clock::now() + interval_;
    }

    void show() {
        const std::size_t width = screen_.width();
        const std::size_t height = screen_.height();
        // The last line is for the keys. While the server does not answer, the last view stays.
        TopState shown = state_;
        shown.view = shown_view_;
        TopFrame frame = top_frame(looks_.address(), looks_.before(), looks_.now(), shown, width,
                                   height > 0 ? height - 1 : 0);
        if (shown.view == state_.view) {
            state_ = shown;
        }
        page_ = height > frame.titles + 2 ? height - frame.titles - 2 : 1;
        if (!trouble_.empty() && frame.lines.size() >= frame.titles && frame.titles != 0) {
            frame.lines[frame.titles - 1] =
                ("no answer, trying again: " + trouble_).substr(0, width);
        }
        while (frame.lines.size() + 1 < height) {
            frame.lines.emplace_back();
        }
        frame.lines.push_back(std::string(keys).substr(0, width));
        screen_.show(frame.lines, frame.titles);
    }

    void obey(TopKey key) {
        std::size_t& scrolled = state_.scrolled;
        TopOrder& order = state_.order();
        switch (key) {
            case TopKey::up:
                scrolled -= std::min<std::size_t>(scrolled, 1);
                break;
            case TopKey::down:
                ++scrolled;
                break;
            case TopKey::page_up:
                scrolled -= std::min(scrolled, page_);
                break;
            case TopKey::page_down:
                scrolled += page_;
                break;
            case TopKey::first:
                scrolled = 0;
                break;
            case TopKey::last:
                scrolled = std::numeric_limits<std::size_t>::max() / 2;
                break;
            case TopKey::column_before:
                order.column -= std::min<std::size_t>(order.column, 1);
                break;
            case TopKey::column_after:
                ++order.column;
                break;
            case TopKey::reverse:
                order.reversed = !order.reversed;
                break;
            case TopKey::modules:
                turn_to(TopView::modules);
                break;
            case TopKey::queues:
                turn_to(TopView::queues);
                break;
            case TopKey::routines:
                turn_to(TopView::routines);
                break;
            case TopKey::locks:
                turn_to(TopView::locks);
                break;
            case TopKey::rules:
                turn_to(TopView::rules);
                break;
            case TopKey::next_view:
                turn_to(static_cast<TopView>((static_cast<std::size_t>(state_.view) + 1) %
                                             top_view_names.size()));
                break;
            default:
                break;
        }
    }

    void turn_to(TopView view) {
        state_.view = view;
        state_.scrolled = 0;
    }

    static constexpr const char* keys =
        "q quit  m modules  u queues  r routines  l locks  e rules  < > sort by  R reverse  up "
        "down";

    TopScreen screen_;
    Looks& looks_;
    TopState state_;
    TopView shown_view_ = state_.view;
    const Clock::duration interval_;
    Clock::time_point next_look_;
    std::size_t page_ = 1;
    std::string trouble_;  // the reason why the last look failed; "" if it did not
};

}  // namespace

int run_top_command(const TopCommand& top) {
    if (!top.batch && !TopScreen::possible()) {
        std::fprintf(stderr,
                     "weir top: standard input and output are not a terminal; use --batch\n");
        return wrong_usage;
    }
    try {
        if (top.batch) {
            print_frames(top);
        } else {
            const TopState state{.view = view_of(top.view)};
            Looks looks(top.server);
            looks.look(state.view);  // an error at the start is reported without a screen
            Top(looks, state, top.interval).run();
        }
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir top: %s\n", config::printable(error.what(), 2000).c_str());
        return failure;
    }
}

}  // namespace weir::app
