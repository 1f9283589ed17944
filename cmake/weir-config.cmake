# Read by find_package(weir): weir::core, weir::config and weir::modules, and weir_plugin.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(nlohmann_json)
find_dependency(PkgConfig)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
include("${CMAKE_CURRENT_LIST_DIR}/weir_targets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/weir_plugin.cmake")
