# weir_export_entry_only(<target> <name>)
# Of the plugin <name>, nothing but its entry point can be seen. What it has in common with others,
# as inline functions of headers, would otherwise be found in it by libraries that it brings, and
# by them be kept in memory.
function(weir_export_entry_only target name)
    set(map "${CMAKE_CURRENT_BINARY_DIR}/${target}.map")
    file(CONFIGURE OUTPUT "${map}" CONTENT "{ global: weir_plugin_${name}; local: *; };\n")
    target_link_options(${target} PRIVATE "-Wl,--version-script=${map}")
endfunction()

# weir_plugin(<name> [LIBRARIES <target>...])
# Makes the plugin <name>.so from the sources of the current folder. This is the same command inside
# weir and outside it, where the whole CMakeLists.txt of a plugin is
#
#     project(hello CXX)
#     find_package(weir REQUIRED)
#     weir_plugin(hello)
#
# The target weir-<name>-objects has the same code for linking it into a program, as tests do.
# Inside weir, the folder's *_test.cpp become <name>_tests and its *_benchmark.cpp programs.
function(weir_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBRARIES")
    file(GLOB sources CONFIGURE_DEPENDS *.cpp)
    list(FILTER sources EXCLUDE REGEX "_(test|benchmark)\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "/fuzz_[a-z_]*\\.cpp$")

    set(objects weir-${name}-objects)
    add_library(${objects} OBJECT ${sources})
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${objects} PUBLIC weir::modules ${arg_LIBRARIES})
    # A symbol marked "unique" would keep the plugin in memory for ever.
    target_compile_options(${objects} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)

    add_library(${name} MODULE)
    target_link_libraries(${name} PRIVATE ${objects})
    # A plugin runs from a private copy elsewhere: what it needs is found by absolute paths.
    set_target_properties(${name} PROPERTIES PREFIX ""
        LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/plugins"
        BUILD_RPATH_USE_ORIGIN OFF INSTALL_RPATH "${CMAKE_INSTALL_PREFIX}/lib")
    weir_export_entry_only(${name} ${name})
    # What a plugin lacks is better found by the linker than by whoever loads it.
    target_link_options(${name} PRIVATE $<$<NOT:$<BOOL:${WEIR_SANITIZE}>>:-Wl,--no-undefined>)
    if(NOT TARGET plugins)
        add_custom_target(plugins)
    endif()
    add_dependencies(plugins ${name})
    install(TARGETS ${name} DESTINATION lib/weir)

    if(COMMAND weir_find_sources)
        weir_find_sources(found FLAT)
        weir_tests(${name} SOURCES ${found_TESTS} LIBRARIES ${objects})
        weir_benchmarks(SOURCES ${found_BENCHMARKS} LIBRARIES ${objects})
    endif()
endfunction()
