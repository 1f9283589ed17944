# weir_plugin_library(<target> <name>)
# Lets a library be loaded and unloaded as the plugin <name>. It exports only its entry point:
# otherwise libraries that it loads could bind to its copies of shared symbols, such as inline
# functions of headers, and keep it in memory. It also destroys its own static objects; see
# plugin_exit.cpp. The build seals it, see seal_plugin.cmake.
function(weir_plugin_library target name)
    if(NOT TARGET weir-plugin-exit)
        add_library(weir-plugin-exit OBJECT "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_exit.cpp")
        target_compile_features(weir-plugin-exit PRIVATE cxx_std_20)
        set_target_properties(weir-plugin-exit PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:weir-plugin-exit>)
    set(map "${CMAKE_CURRENT_BINARY_DIR}/${target}.map")
    file(CONFIGURE OUTPUT "${map}" CONTENT "{ global: weir_plugin_${name}; local: *; };\n")
    target_link_options(${target} PRIVATE "-Wl,--version-script=${map}")
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
        COMMAND "${CMAKE_COMMAND}" "-DFILE=$<TARGET_FILE:${target}>"
            -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/seal_plugin.cmake")
endfunction()

# weir_plugin(<name> [LIBRARIES <target>...])
# Builds the plugin <name>.so from the sources of the current folder, and the program <name>_tests
# from its *_test.cpp. The command is the same inside and outside weir. Outside, the whole
# CMakeLists.txt of a plugin is cmake_minimum_required and
#
#     project(hello CXX)
#     find_package(weir REQUIRED)
#     weir_plugin(hello)
#
# A test checks each app file, *.json, in the folder.
#
# The target weir-<name>-objects has the same code for linking it into a program, as tests do.
# Inside weir, the folder's *_benchmark.cpp become programs, and with COLD the plugin is compiled for
# little time to compile.
#
# Variables: WEIR_PLUGIN_FOLDER, the folder of the built plugin (default: plugins/ of the build
# folder); WEIR_PLUGIN_INSTALL, whether to install it (default: ON); WEIR_PLUGIN_PREFIX, a prefix of
# the targets' names, for a build that has several plugins of one name.
function(weir_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "COLD" "" "LIBRARIES")
    file(GLOB sources CONFIGURE_DEPENDS *.cpp)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_(test|benchmark)\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "/fuzz_[a-z_]*\\.cpp$")
    if(NOT sources)
        message(FATAL_ERROR "weir_plugin(${name}): there is no .cpp file in this folder")
    endif()
    set(target ${WEIR_PLUGIN_PREFIX}${name})
    if(NOT WEIR_PLUGIN_FOLDER)
        set(WEIR_PLUGIN_FOLDER "${CMAKE_BINARY_DIR}/plugins")
    endif()

    set(objects weir-${target}-objects)
    add_library(${objects} OBJECT ${sources})
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${objects} PUBLIC weir::modules ${arg_LIBRARIES})
    if(COMMAND weir_tests) # inside weir; installed, <weir/module.h> is found with the library
        target_include_directories(${objects} PUBLIC
            "${weir_SOURCE_DIR}/core/include" "${weir_SOURCE_DIR}/modules/include")
    endif()
    # A symbol marked "unique" would keep the plugin in memory for ever.
    target_compile_options(${objects} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
    if(COMMAND weir_unity)
        weir_unity(${objects})
    endif()
    if(arg_COLD OR (COMMAND weir_cold AND WEIR_SANITIZE))
        weir_cold(${objects})
    endif()

    # A plugin runs from a private copy elsewhere: the program that opens it has loaded weir's
    # libraries, or its run path finds them; other libraries need absolute paths.
    add_library(${target} MODULE)
    target_link_libraries(${target} PRIVATE ${objects})
    set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
        LIBRARY_OUTPUT_DIRECTORY "${WEIR_PLUGIN_FOLDER}"
        BUILD_RPATH_USE_ORIGIN OFF INSTALL_RPATH "" INSTALL_RPATH_USE_LINK_PATH OFF)
    weir_plugin_library(${target} ${name})
    # The linker reports missing symbols now, instead of the loader later.
    target_link_options(${target} PRIVATE $<$<NOT:$<BOOL:${WEIR_SANITIZE}>>:-Wl,--no-undefined>)
    if(NOT DEFINED WEIR_PLUGIN_INSTALL OR WEIR_PLUGIN_INSTALL)
        # The target `plugins` stands for all that are installed.
        if(NOT TARGET plugins)
            add_custom_target(plugins)
        endif()
        add_dependencies(plugins ${target})
        install(TARGETS ${target} DESTINATION lib/weir)
        # Installing changes where the file looks for libraries.
        install(CODE "
            set(FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/weir/${name}.so\")
            cmake_path(ABSOLUTE_PATH FILE BASE_DIRECTORY \"\${CMAKE_CURRENT_BINARY_DIR}\")
            include(\"${CMAKE_CURRENT_FUNCTION_LIST_DIR}/seal_plugin.cmake\")")
    endif()

    if(COMMAND weir_tests)
        weir_tests(${target} SOURCES ${tests} LIBRARIES ${objects})
        weir_find_sources(found FLAT)
        weir_benchmarks(SOURCES ${found_BENCHMARKS} LIBRARIES ${objects})
    elseif(tests AND TARGET weir::testing)
        add_executable(${target}_tests ${tests})
        target_link_libraries(${target}_tests PRIVATE ${objects} weir::testing)
        add_test(NAME ${target} COMMAND ${target}_tests)
    elseif(tests)
        message(STATUS "weir_plugin(${name}): no tests, they need Catch2 2.13 (Debian: catch2)")
    endif()
    if(TARGET ${target}_tests)
        # Tests load this plugin, and the modules that it depends on from the folder of weir's plugins.
        add_dependencies(${target}_tests ${target})
        target_compile_definitions(${target}_tests PRIVATE
            WEIR_PLUGIN_PATH="${WEIR_PLUGIN_FOLDER}:${WEIR_HOST_PLUGINS}")
        # The program's run path then applies to its plugins too; see apps/weir/CMakeLists.txt.
        target_link_options(${target}_tests PRIVATE -Wl,--disable-new-dtags)
    endif()
    file(GLOB apps CONFIGURE_DEPENDS *.json)
    if(COMMAND weir_tests AND NOT WEIR_TESTS)
        set(apps "")
    endif()
    foreach(app IN LISTS apps)
        cmake_path(GET app FILENAME file)
        add_test(NAME ${target}/${file}
            COMMAND weir::weir check "${app}" --plugins "${WEIR_PLUGIN_FOLDER}")
    endforeach()
endfunction()
