# GLB_SANITIZE: a comma-separated list for -fsanitize=, empty for none. The presets set it.
set(GLB_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
if(GLB_SANITIZE)
  add_compile_options(-fsanitize=${GLB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GLB_SANITIZE})
endif()
