# SPDX-License-Identifier: Apache-2.0
# Finds the kinds of probes and guards: every file <folder>/<name>_<what>.cpp is one,
# and registers `const <Type>& <name>_<what>_kind()`.
function(squall_kinds out folder what type)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/${folder}
       ${PROJECT_SOURCE_DIR}/${folder}/*_${what}.cpp)
  set(declarations)
  set(entries)
  foreach(file ${files})
    get_filename_component(stem ${file} NAME_WE)
    string(APPEND declarations "const ${type}& ${stem}_kind();\n")
    string(APPEND entries "${stem}_kind(), ")
  endforeach()
  set(source ${PROJECT_BINARY_DIR}/built_in_${what}s.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"// Generated from the files of @folder@/.
#include \"@folder@/@what@.hpp\"

namespace squall {

@declarations@
const std::vector<@type@>& @what@_kinds() {
  static const std::vector<@type@> kinds{@entries@};
  return kinds;
}

}  // namespace squall
")
  set(${out} ${source} PARENT_SCOPE)
endfunction()

squall_kinds(SQUALL_PROBES_SOURCE scenarios/probe probe ProbeKind)
squall_kinds(SQUALL_GUARDS_SOURCE safety/guard guard GuardKind)
