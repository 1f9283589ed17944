# The headers that programs and modules may include. Those of <weir/...> are enough for nearly
# everything; the rest are for authors who want less, or more. What they include of weir's other
# headers is installed with them, for the compiler only, and may change with each version.
# docs/reference.md says what is in which.
cmake_policy(VERSION 3.25) # scripts of an installation have none
set(WEIR_PUBLIC_HEADERS
    core/include/weir/core.h
    modules/include/weir/json.h
    modules/include/weir/lock.h
    modules/include/weir/module.h
    modules/include/weir/testing.h

    modules/http/http_client.h
    modules/http/http_error.h
    modules/http/http_host.h
    modules/http/web_socket.h

    modules/limit/limit.h
    modules/limit/limit_host.h

    modules/redis/client.h
    modules/redis/client_host.h
    modules/redis/command.h
    modules/redis/connection_settings.h
    modules/redis/error.h
    modules/redis/events.h
    modules/redis/reply.h

    modules/zookeeper/credentials.h
    modules/zookeeper/error.h
    modules/zookeeper/events.h
    modules/zookeeper/node_follower.h
    modules/zookeeper/remote_locks.h
    modules/zookeeper/session.h
    modules/zookeeper/session_host.h
    modules/zookeeper/session_key.h
    modules/zookeeper/testing/fake_ensemble.h
    modules/zookeeper/transaction.h
    modules/zookeeper/watch.h

    core/event/event.h
    core/event/matcher.h
    core/queue/fair_queue.h
    core/queue/leaf_queue.h
    core/queue/priority_queue.h
    core/run/container.h
    core/run/deadline.h
    core/run/event_handler.h
    core/run/next_round.h
    core/run/poster.h
    core/run/scheduler.h
    core/run/task.h
    core/run/timer.h
    core/run/trace.h
    core/run/system_error.h
    core/run/uv_loop.h
    core/run/uv_poller.h
    core/run/wait.h
    core/run/watch.h
    core/wait/do_events.h
    core/wait/execute_all.h
    core/wait/future.h
    core/wait/rate_limiter.h
    core/wait/run_in_scheduler.h
    core/wait/send.h
    core/wait/task_pool.h
    core/wait/timeout.h
    core/wait/token_bucket.h
    core/wait/wait_for_all.h
    core/wait/wait_for_empty.h
    core/wait/when_any.h
    core/net/address.h
    core/net/client.h
    core/net/connect.h
    core/net/connection.h
    core/net/protocol.h
    core/net/resolve.h
    core/net/socket_server.h
    core/net/stream_server.h
    core/stream/byte_stream.h
    core/stream/memory_stream.h
    core/tls/tls_context.h
    core/tls/tls_session.h
    core/system/descriptor.h
    core/system/datagram_socket.h
    core/system/file_descriptor.h
    core/system/file_watch.h
    core/system/file_stream.h
    core/system/files.h
    core/system/process.h
    core/system/run_program.h
    core/system/signal_watch.h
    core/calendar/calendar_timer.h
    core/calendar/schedule.h
    core/calendar/utc_text.h
    core/program/loop_guest.h
    core/program/quit_on_signals.h
    core/program/standard_queues.h
    core/program/supervisor.h
    core/program/watchdog.h
    core/observe/recorder.h
    core/observe/snapshot.h
    core/simulation/boot_clock.h
    core/simulation/failpoint.h
    core/simulation/simulation.h
    core/simulation/wall_clock.h

    config/settings/catalogue.h
    config/settings/changes.h
    config/settings/configuration.h
    config/settings/name_in.h
    config/settings/settings.h

    modules/system/call/require_named.h
    modules/system/event/event_exchange.h
    modules/system/module/app_check.h
    modules/system/metrics/metric_family.h
    modules/system/event/event_json.h
    modules/system/world/world_events.h
    modules/system/net/listen_settings.h
    modules/system/net/stream_listener.h
    modules/system/net/tls_settings.h
    modules/system/server/loader.h
    modules/system/server/server.h
    modules/system/server/server_metrics.h)

# weir_header_closure(<result> <root> <header>...)
# The headers, and all that they include of weir's, as paths below root.
function(weir_header_closure result root)
    set(todo ${ARGN})
    set(done "")
    while(todo)
        list(POP_FRONT todo header)
        if(header IN_LIST done)
            continue()
        endif()
        list(APPEND done "${header}")
        file(STRINGS "${root}/${header}" lines REGEX "^ *# *include +\"")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE ".*\"([^\"]+)\".*" "\\1" included "${line}")
            if(EXISTS "${root}/${included}") # one is generated
                list(APPEND todo "${included}")
            endif()
        endforeach()
    endwhile()
    set(${result} ${done} PARENT_SCOPE)
endfunction()
