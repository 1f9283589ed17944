# What `cmake --install` brings:
#
#     bin/weir                    the program
#     lib/                        the libraries, and lib/weir/ the plugins
#     include/weir/               the headers; a plugin outside of this repository includes the same
#                                 names as one inside: "core/event/event.h"
#     lib/cmake/weir/             what find_package(weir) reads
#     share/weir/                 the templates of `weir new`, the JSON Schema of app files
#     share/man/, share/bash-completion/, share/doc/weir/
#
# Nothing in it knows where it lies: it may be moved as a whole.

install(TARGETS weir weir-core weir-config weir-modules weir-lock weir-testing EXPORT weir)
install(TARGETS weir-apps)
install(DIRECTORY core config modules DESTINATION include/weir
    FILES_MATCHING PATTERN "*.h"
    PATTERN "testdata" EXCLUDE
    PATTERN "modules/resp" EXCLUDE
    PATTERN "modules/manager" EXCLUDE
    PATTERN "modules/lock/plugin" EXCLUDE
    PATTERN "test_*.h" EXCLUDE
    PATTERN "caught_failures.h" EXCLUDE)
install(FILES modules/testing/catch_framework.cpp DESTINATION lib/cmake/weir)
install(EXPORT weir NAMESPACE weir:: DESTINATION lib/cmake/weir FILE weir_targets.cmake)

include(CMakePackageConfigHelpers)
set(version_file "${PROJECT_BINARY_DIR}/weir-config-version.cmake")
write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
install(FILES cmake/weir-config.cmake cmake/weir_plugin.cmake cmake/plugin_exit.cpp
    cmake/seal_plugin.cmake "${version_file}"
    DESTINATION lib/cmake/weir)
install(FILES LICENSE NOTICE README.md DESTINATION share/doc/weir)

# The installed program tells the rest about itself.
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
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "g++, cmake (>= 3.25), pkg-config, libuv1-dev, nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "catch2, bash-completion, redis-tools")
include(CPack)
