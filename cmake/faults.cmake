# SPDX-License-Identifier: Apache-2.0
# Finds the faults: every folder faults/<name>/ that holds <name>.cpp is one, and
# registers `const Fault& <name>_fault()`.
file(GLOB fault_files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/faults
     ${PROJECT_SOURCE_DIR}/faults/*/*.cpp)
set(declarations)
set(entries)
foreach(file ${fault_files})
  get_filename_component(folder ${file} DIRECTORY)
  get_filename_component(stem ${file} NAME_WE)
  if(folder STREQUAL stem)
    string(APPEND declarations "const Fault& ${stem}_fault();\n")
    string(APPEND entries "&${stem}_fault(), ")
  endif()
endforeach()
set(SQUALL_REGISTRY_SOURCE ${PROJECT_BINARY_DIR}/built_in_faults.cpp)
file(CONFIGURE OUTPUT ${SQUALL_REGISTRY_SOURCE} @ONLY CONTENT
"// Generated from the folders of faults/.
#include \"faults/registry.hpp\"

namespace squall {

@declarations@
const Registry& built_in_faults() {
  static const Registry registry{std::vector<const Fault*>{@entries@}};
  return registry;
}

}  // namespace squall
")
