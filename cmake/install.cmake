# Installs the libraries, their headers and what find_package(weir) reads. A plugin outside this
# repository includes the same names as one inside: "core/event.h".
if(NOT TARGET weir-core)
    return() # nothing to install yet
endif()

foreach(layer core config modules)
    if(TARGET weir-${layer})
        install(TARGETS weir-${layer} EXPORT weir)
        install(DIRECTORY ${layer} DESTINATION include/weir FILES_MATCHING PATTERN "*.h")
    endif()
endforeach()
install(EXPORT weir NAMESPACE weir:: DESTINATION lib/cmake/weir FILE weir_targets.cmake)

include(CMakePackageConfigHelpers)
set(version_file "${PROJECT_BINARY_DIR}/weir-config-version.cmake")
write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
install(FILES cmake/weir-config.cmake cmake/weir_plugin.cmake "${version_file}"
    DESTINATION lib/cmake/weir)
