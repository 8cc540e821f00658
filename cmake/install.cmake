# SPDX-License-Identifier: Apache-2.0
# What is installed. The man page and the completions are printed by the program that
# they describe, so a build for another machine needs an emulator to run it.
set(SQUALL_COMPLETIONS ${PROJECT_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${SQUALL_COMPLETIONS} ${PROJECT_BINARY_DIR}/man)
set(generated)
foreach(pair "man:man/squall.1" "bash:completions/squall.bash" "zsh:completions/_squall"
             "fish:completions/squall.fish")
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 what)
  list(GET pair 1 name)
  set(file ${PROJECT_BINARY_DIR}/${name})
  add_custom_command(OUTPUT ${file}
    COMMAND squall generate ${what} > ${file}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${file}.new ${file}
    DEPENDS squall COMMENT "squall generate ${what}" VERBATIM)
  list(APPEND generated ${file})
endforeach()
add_custom_target(generated_docs ALL DEPENDS ${generated})

install(TARGETS squall squall-watchdog RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_BINARY_DIR}/man/squall.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${SQUALL_COMPLETIONS}/squall.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME squall)
install(FILES ${SQUALL_COMPLETIONS}/_squall DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${SQUALL_COMPLETIONS}/squall.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# Units and tmpfiles belong under the prefix's lib, also where libraries go to lib64. The unit
# names the program by its path, which is known only when it is installed.
install(CODE "set(SQUALL_PROGRAM \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/squall\")
configure_file(\"${PROJECT_SOURCE_DIR}/packaging/squall-recover.service.in\"
               \"${PROJECT_BINARY_DIR}/packaging/squall-recover.service\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/packaging/squall-recover.service
        DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/squall-tmpfiles.conf
        DESTINATION lib/tmpfiles.d RENAME squall.conf)

file(GLOB library CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/library/*.toml)
install(FILES ${library} DESTINATION ${CMAKE_INSTALL_DATADIR}/squall/scenarios)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        FILES_MATCHING PATTERN "*.toml" PATTERN "*.md" PATTERN "victim" EXCLUDE)
