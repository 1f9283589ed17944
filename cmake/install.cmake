# `cmake --install` installs:
#
#     bin/weir                    the program
#     lib/                        the libraries, and lib/weir/ the plugins
#     include/weir/               the headers of public_headers.cmake, and those that they need; a
#                                 plugin outside of this repository includes the same names as one
#                                 inside: <weir/module.h>, "core/net/client.h"
#     lib/cmake/weir/             the package for find_package(weir)
#     lib/systemd/system/         the service lockd
#     share/weir/                 the apps, as lockd.json, with their scripts, as cron/backup.sh, the templates of `weir new`, the JSON Schema of app files
#     share/doc/weir/             the pages, what they quote and link to, and how to rotate a log
#     share/man/, share/bash-completion/
#
# Debug information, most of what a library is, stays in the build folder unless WEIR_INSTALL_DEBUG is
# on. CMakeLists.txt says so before any library is installed.
#
# No file but that of the service contains the path of the folder: it may be moved as a whole.

install(TARGETS weir weir-core weir-config weir-modules weir-lock weir-limit weir-http weir-redis
    weir-zookeeper weir-testing weir-zookeeper-testing EXPORT weir
    INCLUDES DESTINATION include) # <weir/module.h>; the layers add include/weir
install(TARGETS weir-apps)
if(NOT WEIR_INSTALL_DEBUG) # CMake strips no static library
    install(CODE "execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/libweir-testing.a\"
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/libweir-zookeeper-testing.a\")")
endif()
# Looks for what headers include when weir is installed, not when it is configured: then it is current.
install(CODE "
    set(root \"${PROJECT_SOURCE_DIR}\")
    include(\"${PROJECT_SOURCE_DIR}/cmake/public_headers.cmake\")")
install(CODE [[
    weir_header_closure(headers "${root}" ${WEIR_PUBLIC_HEADERS})
    foreach(header IN LISTS headers)
        cmake_path(GET header PARENT_PATH folder)
        string(REGEX REPLACE "^(core|modules)/include/weir$" "" folder "${folder}")
        file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/include/weir/${folder}" TYPE FILE
            FILES "${root}/${header}")
    endforeach()
]])
install(FILES modules/testing/catch_framework.cpp DESTINATION lib/cmake/weir)
install(EXPORT weir NAMESPACE weir:: DESTINATION lib/cmake/weir FILE weir_targets.cmake)

include(CMakePackageConfigHelpers)
set(version_file "${PROJECT_BINARY_DIR}/weir-config-version.cmake")
write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
string(REGEX MATCH "^[0-9]+" compiler_major "${CMAKE_CXX_COMPILER_VERSION}")
file(WRITE "${PROJECT_BINARY_DIR}/weir_compiler.cmake"
    "set(weir_compiler \"${CMAKE_CXX_COMPILER_ID} ${compiler_major}\")\n")
install(FILES cmake/weir-config.cmake cmake/weir_plugin.cmake cmake/plugin_exit.cpp
    cmake/seal_plugin.cmake "${version_file}" "${PROJECT_BINARY_DIR}/weir_compiler.cmake"
    DESTINATION lib/cmake/weir)
# lockd, and the pages with all that they link to. The service must know where it lies.
foreach(app IN LISTS WEIR_APPS)
    install(FILES apps/${app}/${app}.json DESTINATION share/weir)
    install(FILES apps/${app}/${app}.json DESTINATION share/doc/weir/apps/${app})
    file(GLOB scripts CONFIGURE_DEPENDS "apps/${app}/*.sh")
    install(PROGRAMS ${scripts} DESTINATION share/weir/${app})
endforeach()
install(FILES apps/lockd/lockd.socket DESTINATION lib/systemd/system)
install(FILES LICENSE NOTICE DESTINATION share/doc/weir)
install(FILES docs/grafana.json docs/prometheus.yml DESTINATION share/doc/weir/docs)
install(FILES apps/lockd/lockd.logrotate apps/lockd/lockd.socket DESTINATION share/doc/weir/apps/lockd)
install(DIRECTORY docs/images DESTINATION share/doc/weir/docs)
install(DIRECTORY apps/examples/learn apps/examples/extend apps/examples/tour
    DESTINATION share/doc/weir/apps/examples)
install(CODE "set(apps ${WEIR_APPS})")
install(CODE [[
    file(READ "${root}/apps/lockd/lockd.service" service)
    string(REPLACE "@PREFIX@" "${CMAKE_INSTALL_PREFIX}" service "${service}")
    set(prefix "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")
    cmake_path(ABSOLUTE_PATH prefix BASE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set(file "${prefix}/lib/systemd/system/lockd.service")
    message(STATUS "Installing: ${file}")
    file(WRITE "${file}" "${service}")
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${file}")

    # They are there before the first is written, for each may link to all.
    file(GLOB pages RELATIVE "${root}" "${root}/docs/*.md")
    list(TRANSFORM apps REPLACE "(.+)" "apps/\\1/README.md" OUTPUT_VARIABLE app_pages)
    list(APPEND pages README.md ${app_pages})
    include("${root}/cmake/install_pages.cmake")
    foreach(page IN LISTS pages)
        file(WRITE "${prefix}/share/doc/weir/${page}" "")
    endforeach()
    foreach(page IN LISTS pages)
        message(STATUS "Installing: ${prefix}/share/doc/weir/${page}")
        weir_install_page("${page}" "${root}" "${prefix}/share/doc/weir" "${prefix}/include/weir")
        list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${prefix}/share/doc/weir/${page}")
    endforeach()
]])

# The installed program generates its completion, JSON Schema and manual pages.
install(CODE [[
    set(prefix "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")
    cmake_path(ABSOLUTE_PATH prefix BASE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set(weir "${prefix}/bin/weir")
    file(MAKE_DIRECTORY "${prefix}/share/bash-completion/completions")
    execute_process(COMMAND "${weir}" completion COMMAND_ERROR_IS_FATAL ANY
        OUTPUT_FILE "${prefix}/share/bash-completion/completions/weir")
    execute_process(COMMAND "${weir}" schema COMMAND_ERROR_IS_FATAL ANY
        OUTPUT_FILE "${prefix}/share/weir/weir.schema.json")
    execute_process(COMMAND "${weir}" manual "${prefix}/share/man/man1"
        COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB pages "${prefix}/share/man/man1/weir*.1")
    foreach(file IN LISTS pages ITEMS "${prefix}/share/weir/weir.schema.json"
            "${prefix}/share/bash-completion/completions/weir")
        message(STATUS "Installing: ${file}")
        list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${file}")
    endforeach()
]])

# `cpack -G DEB` in the build folder makes a Debian package of it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VENDOR weir)
set(CPACK_PACKAGE_CONTACT "weir <weir@localhost>")
set(CPACK_PACKAGE_DESCRIPTION "weir runs apps that are one JSON file and no code, from modules that
are loaded, reloaded and unloaded while they run; among them lockd, a server
of locks that speaks the Redis protocol. With headers for writing modules.")
set(CPACK_SET_DESTDIR ON) # the service file then contains /usr, not the folder in which cpack works
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "tzdata, g++, cmake (>= 3.25), pkg-config, libuv1-dev, nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "catch2, bash-completion, redis-tools")
include(CPack)
