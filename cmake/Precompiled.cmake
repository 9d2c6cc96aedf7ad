# Precompiled headers, for clean builds (CI). They hide missing includes, so the preset `debug` has none.
#
# A precompiled header requires equal options and macros: see glb_own_options().
option(GLB_PCH "Use precompiled headers" OFF)

if(GLB_PCH)
  add_library(glb_pch_json STATIC ${PROJECT_SOURCE_DIR}/cmake/precompiled/json.cpp)
  target_include_directories(glb_pch_json PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(glb_pch_json PUBLIC nlohmann_json::nlohmann_json fmt::fmt PRIVATE glb_warnings)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp CONTENT "")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # ccache needs the first. The others: a precompiled header fills GCC's heap, which would collect garbage often.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess> --param=ggc-min-expand=200 --param=ggc-min-heapsize=600000)
  endif()
endif()

# glb_precompiled(NAME KIND): a target NAME that contains the precompiled header cmake/precompiled/KIND.h.
function(glb_precompiled name kind)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/empty.cpp)
  target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${kind}.h)
  target_link_libraries(${name} PRIVATE glb_pch_json glb_warnings)
endfunction()

# glb_use_precompiled(TARGET FROM): TARGET includes the precompiled header of the target FROM.
function(glb_use_precompiled target from)
  if(GLB_PCH)
    target_precompile_headers(${target} REUSE_FROM ${from})
    target_link_libraries(${target} PRIVATE glb_pch_json)
  endif()
endfunction()

# glb_own_options(TARGET): TARGET has its own compiler options, so it cannot use a shared precompiled header.
function(glb_own_options target)
  set_target_properties(${target} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
endfunction()
