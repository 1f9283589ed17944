# Compiler options of every file of weir.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON) # for clang-tidy and editors

# Optimised with debug information by default. Replaces CMake's own flags, which include -DNDEBUG:
# assertions stay on, because each of them is cheap.
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
# Lines and functions are enough for stack traces; variables would double what is compiled and linked.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# Clang takes names of other files of a unit for shadowed ones, too.
if(WEIR_UNITY AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options(-Wno-shadow)
endif()
if(WEIR_WERROR)
    add_compile_options(-Werror)
endif()

# g++ collects garbage when it has allocated 128 MB, again at 256 MB, and so on; the largest units allocate
# 1.6 GB. To begin at 1 GiB saves up to 6 % of the time, and ccache need not know.
set(collect_late --param=ggc-min-heapsize=1048576)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:${collect_late}>)
endif()

# A symbol marked "unique" keeps its shared library in memory for ever: no plugin could be unloaded.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
endif()

if(WEIR_SANITIZE STREQUAL "address")
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(WEIR_SANITIZE STREQUAL "thread")
    set(sanitizers -fsanitize=thread)
elseif(WEIR_SANITIZE)
    message(FATAL_ERROR "WEIR_SANITIZE is '${WEIR_SANITIZE}': expected address, thread or nothing")
endif()
if(WEIR_SANITIZE)
    # Reports name functions and lines, never variables: -g1 has them, in half the time to compile.
    # -O1 compiles in half the time of -O2; coroutines that resume each other need tail calls.
    add_compile_options(${sanitizers} -fno-omit-frame-pointer -g1 -O1 -foptimize-sibling-calls)
    # With a sanitizer GCC falsely reports uninitialised variables, in its own headers too.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    add_link_options(${sanitizers})
    # What these two find, the address sanitizer finds when it matters; they are a quarter of the code,
    # and a seventh of the time to compile. Hot code, with its pools and intrusive lists, has them: see
    # weir_hot.
    if(WEIR_SANITIZE STREQUAL "address")
        add_compile_options(-fno-sanitize=null,alignment)
    endif()
endif()

# Links in a fifth of the time that GNU's linker takes.
find_program(LLD ld.lld)
if(LLD)
    add_link_options(-fuse-ld=lld)
endif()

# Programs and libraries, built or installed, find each other even if their folder is moved.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN:$ORIGIN/../lib")

# ccache caches files with a precompiled header only with these settings.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_IGNOREOPTIONS=${collect_late}
        ${CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)
    endif()
endif()
