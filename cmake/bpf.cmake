# SPDX-License-Identifier: Apache-2.0
# Builds each bpf/<name>.bpf.c and embeds the object in the program as the symbols
# squall_bpf_<name>_begin and _end (see SQUALL_BPF_IMAGE in faults/kit/bpf.hpp).
find_program(BPF_CLANG NAMES clang-19 clang REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip-19 llvm-strip REQUIRED)
set(SQUALL_BPF_SOURCES)
file(GLOB bpf_programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bpf/*.bpf.c)
foreach(source ${bpf_programs})
  get_filename_component(file_name ${source} NAME)
  string(REPLACE ".bpf.c" "" name ${file_name})
  set(object ${PROJECT_BINARY_DIR}/bpf/${name}.bpf.o)
  # -g is for BTF, which map definitions need; the DWARF part is stripped again.
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/bpf
    COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter
            -I${PROJECT_SOURCE_DIR} -isystem /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
            -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
    COMMAND ${BPF_STRIP} -g ${object}
    DEPENDS ${source} DEPFILE ${object}.d COMMENT "BPF ${name}" VERBATIM)
  set(embed ${PROJECT_BINARY_DIR}/bpf/${name}_image.S)
  file(CONFIGURE OUTPUT ${embed} @ONLY CONTENT
".section .rodata
.balign 8
.global squall_bpf_@name@_begin
.global squall_bpf_@name@_end
squall_bpf_@name@_begin:
.incbin \"@object@\"
squall_bpf_@name@_end:
.section .note.GNU-stack,\"\",%progbits
")
  set_source_files_properties(${embed} PROPERTIES OBJECT_DEPENDS ${object})
  list(APPEND SQUALL_BPF_SOURCES ${embed})
endforeach()
