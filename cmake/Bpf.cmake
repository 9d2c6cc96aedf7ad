# glb_bpf_skeleton(NAME SOURCE DEPENDS...)
#
# Compiles the BPF C file SOURCE with clang into NAME.bpf.o and turns it into a libbpf skeleton.
# Defines an INTERFACE library NAME_skel: link it, and include <NAME.skel.h>.
# DEPENDS lists the headers whose change must rebuild the object.
#
#   -mcpu=v3   atomics (cmpxchg, xchg, fetch-and-add) and 32-bit jumps; kernels from 5.12 on
#   -g         BTF: maps' types, global functions, and the ABI test
#   -isystem   <asm/types.h> of a multiarch system, which clang's BPF target does not search
find_program(CLANG NAMES clang clang-16 clang-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip llvm-strip-16 llvm-strip-14 REQUIRED)

add_custom_target(skeletons) # all of them: what clangd and clang-tidy need to read the sources
function(glb_bpf_skeleton name source)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  get_filename_component(source ${source} ABSOLUTE)
  add_custom_command(
    OUTPUT ${object} ${skeleton}
    COMMAND ${CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter
            -Wno-unused-function -Wno-address-of-packed-member
            -I${PROJECT_SOURCE_DIR}/bpf -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${source} -o ${object}
    COMMAND ${LLVM_STRIP} -g ${object}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${source} ${ARGN}
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_target(${name}_bpf DEPENDS ${object} ${skeleton})
  add_dependencies(skeletons ${name}_bpf)
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_bpf)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name}_skel INTERFACE PkgConfig::LIBBPF)
  set_target_properties(${name}_skel PROPERTIES BPF_OBJECT ${object})
endfunction()
