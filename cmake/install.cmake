# SPDX-License-Identifier: Apache-2.0
install(TARGETS squall squall-watchdog RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
