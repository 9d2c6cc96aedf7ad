if(GLB_PCH)
  glb_precompiled(glb_pch_library library)
endif()

# glb_library(NAME SOURCES ... LINK ...): a static library of this project, with its warnings.
# Includes are written from the top of the repository: #include "controller/util/result.h".
function(glb_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE glb_warnings)
  glb_use_precompiled(${name} glb_pch_library)
endfunction()

# glb_program(NAME SOURCES ... LINK ...): a program in build/<preset>/bin.
function(glb_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} glb_warnings)
  glb_use_precompiled(${name} glb_pch_library)
endfunction()

# glb_apart(NAME): excludes a target from unity builds: if several of its files use one name
# for different things, or if a program links only some of its files.
function(glb_apart name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
endfunction()

# glb_long(TEST): the test takes about a minute, where most take seconds. ctest starts it first.
function(glb_long test)
  set_tests_properties(${test} PROPERTIES COST 60)
endfunction()

# glb_compile_fast(NAME): -O1, for code whose own speed does not matter. Disables warnings that have false positives at -O1.
function(glb_compile_fast name)
  target_compile_options(${name} PRIVATE
    $<$<CONFIG:RelWithDebInfo>:-O1;-Wno-maybe-uninitialized>
    $<$<AND:$<CONFIG:RelWithDebInfo>,$<COMPILE_LANG_AND_ID:CXX,GNU>>:-Wno-mismatched-new-delete>)
endfunction()

# Tests with the label sanitized run in the preset dev; CI does not run them a second time in release.
option(GLB_SANITIZED_TESTS "Build the tests with the label sanitized by default" ON)
function(glb_sanitized test)
  set_property(TEST ${test} APPEND PROPERTY LABELS sanitized)
  glb_check_target(sanitized ${test})
  if(NOT GLB_SANITIZED_TESTS)
    set_target_properties(${test} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

# The target check_LABEL builds the tests of one label. CI builds no more with sanitizers.
function(glb_check_target label test)
  if(NOT TARGET check_${label})
    add_custom_target(check_${label})
  endif()
  add_dependencies(check_${label} ${test})
endfunction()

# glb_concurrent(TEST): TEST runs several threads. It also gets the label concurrency, which CI runs with TSan.
function(glb_concurrent test)
  if(TARGET ${test})
    set_property(TEST ${test} APPEND PROPERTY LABELS concurrency)
    glb_check_target(concurrency ${test})
  endif()
endfunction()

# With a hundred test programs, the time to link them matters: lld takes half of ld's.
find_program(GLB_LLD ld.lld)

# glb_test(NAME LABEL label SOURCES ... LINK ... [RELEASE_ONLY]): a Catch2 program that ctest runs as one test
# under LABEL (lint, unit, abi, packet, verifier, netns, fuzz). Exit status 77 is a visible skip.
# Unit tests are sanitized, except for those that are RELEASE_ONLY: too slow with sanitizers, or slow to compile.
function(glb_test name)
  cmake_parse_arguments(ARG "RELEASE_ONLY" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} glb_catch_main glb_warnings)
  glb_compile_fast(${name})
  glb_use_precompiled(${name} glb_pch_test)
  if(GLB_LLD)
    target_link_options(${name} PRIVATE -fuse-ld=lld)
  endif()
  add_test(NAME ${name} COMMAND ${name} --durations no)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} SKIP_RETURN_CODE 77 TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "${GLB_SANITIZER_ENVIRONMENT}")
  glb_check_target(${ARG_LABEL} ${name})
  if(ARG_LABEL STREQUAL "unit" AND NOT ARG_RELEASE_ONLY)
    glb_sanitized(${name})
  endif()
endfunction()
