# One interface target carries the warnings, so that third-party headers (SYSTEM includes) are not affected.
add_library(glb_warnings INTERFACE)
target_compile_options(glb_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wunused -Wformat=2 -Werror=unused-result -Werror=return-type)
