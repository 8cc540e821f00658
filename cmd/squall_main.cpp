// SPDX-License-Identifier: Apache-2.0

#include <cstdio>

int main() {
  std::puts("squall " SQUALL_VERSION);
  return 0;
}
