# GLB_SANITIZE: a comma-separated list for -fsanitize=, empty for none. The presets set it.
set(GLB_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
if(GLB_SANITIZE)
  # With sanitizers, GCC reports false positives of -Wmaybe-uninitialized.
  add_compile_options(-fsanitize=${GLB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
                      $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${GLB_SANITIZE})
  # Reports with functions and lines. Debian's clang-16 does not find the symbolizer of another version itself.
  find_program(GLB_SYMBOLIZER NAMES llvm-symbolizer-16 llvm-symbolizer)
  if(GLB_SYMBOLIZER)
    set(GLB_SANITIZER_ENVIRONMENT ASAN_OPTIONS=external_symbolizer_path=${GLB_SYMBOLIZER}
                                  TSAN_OPTIONS=external_symbolizer_path=${GLB_SYMBOLIZER})
  endif()
endif()
