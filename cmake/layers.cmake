# Functions for the CMakeLists.txt of the layers: they make a library, its tests and its benchmarks
# from the files of a folder. A test is beside its source (x.cpp, x_test.cpp, x_benchmark.cpp); the
# suffix of a name alone decides the use of a file.

option(WEIR_FUZZ "Build the fuzzers (needs clang)" OFF)
option(WEIR_UNITY "Compile sources together: fast from scratch, slow after a small change" OFF)

# Finds the files below the current folder: <prefix>_SOURCES, _TESTS and _BENCHMARKS. With FLAT,
# it skips subfolders. It also skips each main.cpp, which belongs to a program, and each fuzz_x.cpp,
# which belongs to a fuzzer.
function(weir_find_sources prefix)
    cmake_parse_arguments(PARSE_ARGV 1 arg "FLAT" "" "")
    set(patterns *.cpp)
    if(NOT arg_FLAT)
        list(APPEND patterns */*.cpp)
    endif()
    file(GLOB files CONFIGURE_DEPENDS ${patterns})
    list(FILTER files EXCLUDE REGEX "/(main|fuzz_[a-z_]*)\\.cpp$")
    foreach(kind IN ITEMS TESTS:_test BENCHMARKS:_benchmark SOURCES:)
        string(REPLACE ":" ";" kind "${kind}")
        list(GET kind 0 name)
        list(GET kind 1 suffix)
        set(found ${files})
        list(FILTER found INCLUDE REGEX "${suffix}\\.cpp$")
        list(REMOVE_ITEM files ${found} "")
        set(${prefix}_${name} ${found} PARENT_SCOPE)
    endforeach()
endfunction()

# weir_layer(<folder> [FLAT] [COLD] [HOT <file>...] [LIBRARIES <target>...])
# Builds the shared library weir-<folder> from the sources of the current folder, <folder>_tests
# from its tests, and a program from each benchmark.
#
# Every event runs through the HOT files: they are compiled as one unit, at -O3. With COLD, the other
# files are compiled at -O1: they run too seldom, or beside system calls that take much longer, to be
# worth the time that -O2 takes. For a sanitizer all are cold but the HOT ones.
function(weir_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "FLAT;COLD" "" "HOT;LIBRARIES")
    if(arg_FLAT)
        weir_find_sources(found FLAT)
    else()
        weir_find_sources(found)
    endif()
    set(hot ${arg_HOT})
    list(TRANSFORM hot PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    if(hot)
        list(REMOVE_ITEM found_SOURCES ${hot})
        add_library(weir-${name}-hot OBJECT ${hot})
        weir_compile_as_layer(weir-${name}-hot ${arg_LIBRARIES})
        weir_hot(weir-${name}-hot)
        list(APPEND found_SOURCES $<TARGET_OBJECTS:weir-${name}-hot>)
    endif()
    add_library(weir-${name} SHARED ${found_SOURCES})
    add_library(weir::${name} ALIAS weir-${name})
    weir_compile_as_layer(weir-${name} ${arg_LIBRARIES})
    weir_unity(weir-${name})
    if(arg_COLD OR WEIR_SANITIZE)
        weir_cold(weir-${name})
    endif()
    # No other library replaces this one's functions: its calls of them need no table.
    target_link_options(weir-${name} PRIVATE -Wl,-Bsymbolic-functions)
    set_target_properties(weir-${name} PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME ${name})
    weir_tests(${name} SOURCES ${found_TESTS} LIBRARIES weir-${name})
    weir_benchmarks(SOURCES ${found_BENCHMARKS} LIBRARIES weir-${name})
endfunction()

# Sets the options that all sources of a layer share.
function(weir_compile_as_layer target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PUBLIC
        "$<BUILD_INTERFACE:${weir_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include/weir>")
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_link_libraries(${target} PUBLIC ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
endfunction()

# weir_unity(<target>): with WEIR_UNITY, compiles the sources as one unit. A header is then read once
# instead of once for each source, which is most of the time to compile.
function(weir_unity target)
    if(WEIR_UNITY)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
        # g++ mistakes an unnamed namespace in an included source for one in a header.
        target_compile_options(${target} PRIVATE
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
    endif()
endfunction()

# weir_hot(<target>): compiles the sources as one unit, so that the compiler may inline across
# files. g++ stops inlining when a unit has grown by some share, at a point that any small change
# moves: inline-unit-growth raises that share.
function(weir_hot target)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    if(WEIR_SANITIZE STREQUAL "address")
        target_compile_options(${target} PRIVATE -fsanitize=null,alignment)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT WEIR_SANITIZE)
        target_compile_options(${target} PRIVATE
            "$<$<NOT:$<CONFIG:Debug>>:-O3;--param=inline-unit-growth=200>")
    endif()
endfunction()

# weir_cold(<target>): compiles fast, at -O1, or at -O0 for the address sanitizer, whose checks take the
# optimiser longer than the code that they check. Coroutines that resume each other need tail calls at
# any level.
function(weir_cold target)
    set(level -O1)
    if(WEIR_SANITIZE STREQUAL "address")
        set(level -O0)
    endif()
    target_compile_options(${target} PRIVATE
        $<$<NOT:$<CONFIG:Debug>>:${level}> -foptimize-sibling-calls
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endfunction()

# weir_tests(<name> SOURCES <file>... [LIBRARIES <target>...])
# Builds one program <name>_tests from all files, because Catch2 takes long to compile and little to
# run. ctest runs each test case on its own, with the label <name>. A test case with the tag [threads]
# also has the label threads; only these run under the thread sanitizer, for which only the files with
# such test cases are compiled.
function(weir_tests name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    if(WEIR_SANITIZE STREQUAL "thread")
        weir_filter_threads(arg_SOURCES)
    endif()
    if(NOT WEIR_TESTS OR NOT arg_SOURCES)
        return()
    endif()
    weir_test_main()
    set(program ${name}_tests)
    add_executable(${program} ${arg_SOURCES} $<TARGET_OBJECTS:weir_test_main>)
    weir_group_tests(${program} ${arg_SOURCES})
    target_precompile_headers(${program} REUSE_FROM weir_test_header)
    target_link_libraries(${program} PRIVATE ${arg_LIBRARIES} Catch2::Catch2 Threads::Threads)
    target_include_directories(${program} PRIVATE "${weir_SOURCE_DIR}")
    target_compile_definitions(${program} PRIVATE WEIR_SOURCE_DIR="${weir_SOURCE_DIR}")
    target_compile_options(${program} PRIVATE ${WEIR_TEST_OPTIONS})
    if(TARGET weir-testing)
        weir_link_testing(${program})
    endif()

    # Catch2's helper warns at each build about an empty selection: use it for [threads] only if a
    # file has such tests.
    set(threads "")
    foreach(file IN LISTS arg_SOURCES)
        file(STRINGS "${file}" tagged REGEX "\\[threads\\]")
        list(APPEND threads ${tagged})
    endforeach()
    # Hidden test cases, [.], run only when called by name.
    set(rest "~[.]")
    set(labels "set_tests_properties(\${${program}_PLAIN} PROPERTIES LABELS ${name})\n")
    if(threads)
        catch_discover_tests(${program} TEST_PREFIX "${name}/" TEST_LIST ${program}_THREADS
            TEST_SPEC "[threads]~[.]" PROPERTIES TIMEOUT ${WEIR_TEST_TIMEOUT})
        string(APPEND labels "set_tests_properties(\${${program}_THREADS} "
            "PROPERTIES LABELS \"${name};threads\")\n")
        set(rest "~[threads]~[.]")
    endif()
    catch_discover_tests(${program} TEST_PREFIX "${name}/" TEST_LIST ${program}_PLAIN
        TEST_SPEC "${rest}" PROPERTIES TIMEOUT ${WEIR_TEST_TIMEOUT})
    # A list of labels does not survive catch_discover_tests, hence this file, read after its own.
    set(labels_file "${CMAKE_CURRENT_BINARY_DIR}/${program}_labels.cmake")
    file(WRITE "${labels_file}" "${labels}")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${labels_file}")
endfunction()

# weir_group_tests(<program> <file>...): with WEIR_UNITY, compiles the files in groups, each as one
# unit, in which all unnamed namespaces are one, and `using namespace` is for all. Therefore no file of
# a group uses a name that another one declares for itself, and those that use a namespace of weir's
# use the same.
function(weir_group_tests program)
    if(NOT WEIR_UNITY)
        return()
    endif()
    set(largest 60000) # bytes of a group: what one compiler reads for some seconds
    set(groups 0)
    foreach(file IN LISTS ARGN)
        cmake_path(ABSOLUTE_PATH file)
        file(SIZE "${file}" size)
        weir_names(declared used "${file}")
        file(STRINGS "${file}" spaces REGEX "^using namespace weir::")
        set(group 0)
        while(group LESS groups)
            math(EXPR sum "${size_${group}} + ${size}")
            weir_disjoint(ours declared used_${group})
            weir_disjoint(theirs declared_${group} used)
            if(sum LESS largest AND ours AND theirs
                    AND (NOT spaces OR NOT spaces_${group} OR spaces STREQUAL spaces_${group}))
                break()
            endif()
            math(EXPR group "${group} + 1")
        endwhile()
        if(group EQUAL groups)
            math(EXPR groups "${groups} + 1")
            set(size_${group} 0)
            set(declared_${group} "")
            set(used_${group} "")
            set(spaces_${group} "")
        endif()
        math(EXPR size_${group} "${size_${group}} + ${size}")
        list(APPEND declared_${group} ${declared})
        list(APPEND used_${group} ${used})
        if(spaces)
            set(spaces_${group} "${spaces}")
        endif()
        set_source_files_properties("${file}" PROPERTIES UNITY_GROUP ${program}_${group})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    endforeach()
    set_target_properties(${program} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    target_compile_options(${program} PRIVATE
        $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endfunction()

# weir_disjoint(<result> <list> <list>): whether the two lists have no element in common.
function(weir_disjoint result one other)
    set(rest ${${one}})
    list(REMOVE_ITEM rest "" ${${other}})
    if("${rest}" STREQUAL "${${one}}")
        set(${result} ON PARENT_SCOPE)
    else()
        set(${result} OFF PARENT_SCOPE)
    endif()
endfunction()

# weir_names(<declared> <used> <file>)
# <declared>: the types, functions and variables that the file declares outside of any block, where
# clang-format lays lines out from the first column. <used>: these, and whatever may name a type.
function(weir_names declared used file)
    set(names "")
    file(STRINGS "${file}" lines REGEX "^[a-zA-Z_#]")
    foreach(line IN LISTS lines)
        if(line MATCHES "^(TEST_CASE|TEMPLATE_TEST_CASE|namespace|#include|#pragma|using namespace)")
            continue()
        endif()
        foreach(pattern IN ITEMS
                "^(#define|struct|class|union|enum class|enum) ([A-Za-z0-9_]+)"
                "^(using) ([A-Za-z0-9_]+) ="
                "^(using [A-Za-z_:]*::)([A-Z][A-Za-z0-9_]*);"
                "^()([A-Za-z0-9_]+)\\("
                "^([^(=]*[ &*>])([A-Za-z0-9_]+)\\("
                "^([^(={]*[ &*>])([A-Za-z0-9_]+)(\\[[^]]*\\])?( =|{|;)")
            if(line MATCHES "${pattern}")
                list(APPEND names "${CMAKE_MATCH_2}")
                break()
            endif()
        endforeach()
    endforeach()
    file(READ "${file}" text)
    string(REGEX MATCHALL "[A-Z][A-Za-z0-9_]*[a-z][A-Za-z0-9_]*" words "${text}")
    list(APPEND words ${names})
    list(REMOVE_DUPLICATES names)
    list(REMOVE_DUPLICATES words)
    set(${declared} ${names} PARENT_SCOPE)
    set(${used} ${words} PARENT_SCOPE)
endfunction()

# weir_filter_threads(<files>): keeps those of the list <files> that contain the tag [threads].
function(weir_filter_threads files)
    set(found "")
    foreach(file IN LISTS ${files})
        file(STRINGS "${file}" tagged REGEX "\\[threads\\]" LIMIT_COUNT 1)
        if(tagged)
            list(APPEND found "${file}")
        endif()
    endforeach()
    set(${files} ${found} PARENT_SCOPE)
endfunction()

# weir_link_testing(<program>)
# Links the kit for tests of modules, with its adapter for Catch2.
function(weir_link_testing program)
    target_link_libraries(${program} PRIVATE weir-testing)
    target_sources(${program} PRIVATE $<TARGET_OBJECTS:weir_catch_framework>)
endfunction()

# Catch2's main and its precompiled header, compiled once for all test programs. The main needs
# catch.hpp in another form, so that the header must be carried by a target, and a file, of its own.
function(weir_test_main)
    if(NOT TARGET weir_test_main)
        add_library(weir_test_main OBJECT "${weir_SOURCE_DIR}/tests/support/catch_main.cpp")
        target_link_libraries(weir_test_main PRIVATE Catch2::Catch2)
        # The tests do not test Catch2; without sanitizers it compiles in a quarter of the time.
        target_compile_options(weir_test_main PRIVATE -O1 -g0 -fno-sanitize=all)
        set(empty "${weir_BINARY_DIR}/catch_header.cpp")
        file(CONFIGURE OUTPUT "${empty}" CONTENT "")
        add_library(weir_test_header OBJECT "${empty}")
        target_link_libraries(weir_test_header PRIVATE Catch2::Catch2)
        target_compile_options(weir_test_header PRIVATE ${WEIR_TEST_OPTIONS})
        target_precompile_headers(weir_test_header PRIVATE <catch2/catch.hpp>)
        add_library(weir_catch_framework OBJECT
            "${weir_SOURCE_DIR}/modules/testing/catch_framework.cpp")
        target_link_libraries(weir_catch_framework PRIVATE Catch2::Catch2)
        target_include_directories(weir_catch_framework PRIVATE "${weir_SOURCE_DIR}")
        target_compile_features(weir_catch_framework PRIVATE cxx_std_20)
    endif()
endfunction()

# weir_benchmarks(SOURCES <x_benchmark.cpp>... [LIBRARIES <target>...])
# Builds each file as the program bench/x_benchmark in the build folder; `./dev bench` runs them all.
function(weir_benchmarks)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "SOURCES;LIBRARIES")
    if(NOT WEIR_TESTS OR WEIR_SANITIZE) # sanitized programs are not measured
        return()
    endif()
    foreach(file IN LISTS arg_SOURCES)
        cmake_path(GET file STEM program)
        add_executable(${program} "${file}")
        target_link_libraries(${program} PRIVATE ${arg_LIBRARIES} Threads::Threads)
        target_include_directories(${program} PRIVATE "${weir_SOURCE_DIR}")
        target_compile_definitions(${program} PRIVATE WEIR_SOURCE_DIR="${weir_SOURCE_DIR}")
        set_target_properties(${program} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${weir_BINARY_DIR}/bench")
        if(NOT TARGET benchmarks)
            add_custom_target(benchmarks)
        endif()
        add_dependencies(benchmarks ${program})
    endforeach()
endfunction()

# weir_fuzzed(<name> SOURCES <file>... [LIBRARIES <target>...])
# With WEIR_FUZZ, compiles the sources that several fuzzers test once, instrumented, as the object
# library <name>.
function(weir_fuzzed name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    if(WEIR_FUZZ)
        add_library(${name} OBJECT ${arg_SOURCES})
        weir_instrument(${name} fuzzer-no-link ${arg_LIBRARIES})
    endif()
endfunction()

# weir_fuzzer(<fuzz_x> [FOLDER <folder>] [SOURCES <file>...] [LIBRARIES <target>...])
# With WEIR_FUZZ, builds the program bin/fuzz_x from fuzz_x.cpp and the sources that it tests, all of
# them instrumented.
function(weir_fuzzer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER" "SOURCES;LIBRARIES")
    if(WEIR_FUZZ)
        add_executable(${name} "${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}/${name}.cpp" ${arg_SOURCES})
        weir_instrument(${name} fuzzer ${arg_LIBRARIES})
    endif()
endfunction()

# weir_instrument(<target> <fuzzer> <library>...): for the two above; <fuzzer> is a sanitizer.
function(weir_instrument target fuzzer)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "WEIR_FUZZ needs clang, for its libFuzzer")
    endif()
    set(flags -fsanitize=${fuzzer},address,undefined -fno-sanitize-recover=undefined)
    target_compile_options(${target} PRIVATE ${flags} -O1)
    target_link_options(${target} PRIVATE ${flags})
    target_include_directories(${target} PRIVATE "${weir_SOURCE_DIR}")
    target_link_libraries(${target} PUBLIC ${ARGN})
    weir_unity(${target})
endfunction()

# Sets <result> to those of the given targets that exist.
function(weir_existing_targets result)
    set(existing "")
    foreach(target IN LISTS ARGN)
        if(TARGET ${target})
            list(APPEND existing ${target})
        endif()
    endforeach()
    set(${result} ${existing} PARENT_SCOPE)
endfunction()

# Adds every subfolder of the current folder that has a CMakeLists.txt.
function(weir_add_subfolders)
    file(GLOB folders CONFIGURE_DEPENDS */CMakeLists.txt)
    foreach(file IN LISTS folders)
        cmake_path(GET file PARENT_PATH folder)
        add_subdirectory("${folder}")
    endforeach()
endfunction()

# The tested code is optimised, its tests are not: this saves two thirds of their compile time. The
# sanitizer of undefined behaviour would nearly double it, and is for the tested code.
set(WEIR_TEST_OPTIONS -O0)
if(WEIR_SANITIZE STREQUAL "address")
    list(APPEND WEIR_TEST_OPTIONS -fno-sanitize=undefined)
endif()

# The timeout of a test case in seconds; sanitizers are several times slower.
set(WEIR_TEST_TIMEOUT 60)
if(WEIR_SANITIZE)
    set(WEIR_TEST_TIMEOUT 300)
endif()
