# Read by find_package(weir [COMPONENTS core config modules lock limit http redis zookeeper kit testing]).
#
#     weir::core, weir::config, weir::modules   the libraries
#     weir::lock                                locks and semaphores
#     weir::limit                               limits of the module `limit`
#     weir::http                                requests to servers, and answers to clients
#     weir::redis                               a client of Redis
#     weir::zookeeper                           a client of ZooKeeper
#     weir::zookeeper-testing                   servers of ZooKeeper in memory, for tests
#     weir::kit                                 the kit for tests of modules, for any test framework
#     weir::testing                             the kit with Catch2 and its main; only if Catch2 is
#                                               installed
#     weir::weir                                the program
#     weir_plugin                               builds a plugin, see weir_plugin.cmake

# A server refuses plugins whose compiler may lay out classes and coroutines otherwise than its own: it
# is better to know that before anything is compiled.
include("${CMAKE_CURRENT_LIST_DIR}/weir_compiler.cmake")
string(REGEX MATCH "^[0-9]+" weir_own_compiler_major "${CMAKE_CXX_COMPILER_VERSION}")
if(NOT "${CMAKE_CXX_COMPILER_ID} ${weir_own_compiler_major}" STREQUAL "${weir_compiler}")
    set(weir_FOUND FALSE)
    set(weir_NOT_FOUND_MESSAGE "weir was built by ${weir_compiler}, and refuses modules that \
'${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}' compiles: use the same compiler \
(-DCMAKE_CXX_COMPILER=...), or build weir with this one")
    return()
endif()

include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(nlohmann_json)
find_dependency(PkgConfig)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
include("${CMAKE_CURRENT_LIST_DIR}/weir_targets.cmake")

enable_testing() # here, because it has no effect in the function weir_plugin
find_package(Catch2 2.13 QUIET)
if(TARGET Catch2::Catch2WithMain AND NOT TARGET weir::testing)
    add_library(weir::testing INTERFACE IMPORTED)
    target_link_libraries(weir::testing INTERFACE weir::kit Catch2::Catch2WithMain)
    target_sources(weir::testing INTERFACE "${CMAKE_CURRENT_LIST_DIR}/catch_framework.cpp")
endif()

# The folder of weir's own plugins.
get_filename_component(WEIR_HOST_PLUGINS "${CMAKE_CURRENT_LIST_DIR}/../../weir" ABSOLUTE)
include("${CMAKE_CURRENT_LIST_DIR}/weir_plugin.cmake")

foreach(component IN LISTS weir_FIND_COMPONENTS)
    if(TARGET weir::${component})
        set(weir_${component}_FOUND TRUE)
    elseif(weir_FIND_REQUIRED_${component})
        set(weir_FOUND FALSE)
        set(weir_NOT_FOUND_MESSAGE "weir has no component '${component}'")
        if(component STREQUAL "testing")
            set(weir_NOT_FOUND_MESSAGE "weir::testing needs Catch2 2.13 (Debian: catch2)")
        endif()
    endif()
endforeach()
