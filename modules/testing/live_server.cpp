#include "modules/testing/live_server.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/run/container.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/testing/app_text.h"
#include "modules/testing/framework.h"
#include "modules/testing/living.h"

namespace weir {

LiveServer::Folder::Folder() {
    path = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "making the folder " + path);
    }
}

LiveServer::Folder::~Folder() {
    std::error_code left_behind;
    std::filesystem::remove_all(path, left_behind);
}

LiveServer::LiveServer(std::string_view configuration, Registry registry,
                       std::string_view plugin_path)
    : server_(std::make_unique<Server>(
          poller_, read_app_text(configuration, plugin_path, {{"WEIR_TEST_FOLDER", folder_.path}}),
          ServerOptions{.registry = std::move(registry),
                        .log =
                            [this](const LogRecord& record) {
                                if (record.level >= LogLevel::warning) {
                                    log_ += std::string(to_string(record.level)) + ": " +
                                            std::string(record.text) + "\n";
                                }
                            }})),
      queues_before_(queue_paths(*server_)) {}

LiveServer::~LiveServer() = default;

// Not Scheduler::run(), which closes what is left at the end and so hides it.
void LiveServer::run(Task<> task, Duration limit) {
    {
        Container container(scheduler());
        server_->start_modules();
        container.start(run_and_unload(std::move(task), limit), {.name = "test"});
        scheduler().begin();
        bool can_happen = true;
        while (!container.routines().empty() && scheduler().round(can_happen)) {
            can_happen = poller_.poll(scheduler().time_to_wait());
            scheduler().after_poll();
        }
    }
    for (std::string& what : what_lives(*server_, queues_before_)) {
        living_.push_back(std::move(what));
    }
    scheduler().end();
    if (!living_.empty()) {
        std::string text = "the server has ended, and there still is:";
        for (const std::string& what : living_) {
            text += "\n  " + what;
        }
        fail_test(text);
    }
}

Task<> LiveServer::run_and_unload(Task<> task, Duration limit) {
    while (server_->stage() == ServerStage::starting) {
        co_await sleep(std::chrono::milliseconds(1));
    }
    if (!co_await execute_with_timeout(limit, std::move(task))) {
        fail_test("the test does not end within its limit");
    }
    try {
        co_await loader().unload_all();
    } catch (const LoadException& exception) {
        living_.push_back(exception.what());
    }
    co_await loader().unload_all(true);
    for (int i = 0; i != 3; ++i) {
        co_await do_events();  // the last events reach their waiters
    }
}

}  // namespace weir
