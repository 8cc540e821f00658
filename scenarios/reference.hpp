// SPDX-License-Identifier: Apache-2.0
//
// What is written about faults, probes and guards, from their tables: what `squall
// explain` shows, and the generated docs/faults.md.

#pragma once

#include "faults/registry.hpp"

#include <string>
#include <utility>
#include <vector>

namespace squall {

struct Reference {
  std::string name;
  std::string group;  // "fault", "probe" or "guard"
  std::string summary;
  std::vector<std::pair<std::string, std::string>> facts;  // "needs", "cap:net_admin"
  TableSheet table;
  TableSheet common;  // the keys that the whole group shares
  std::string notes;
  std::string example;  // TOML
};

std::vector<Reference> references(const Registry& registry);  // faults, then probes, then guards
Result<Reference> find_reference(const Registry& registry, const std::string& name);

std::string as_markdown(const Reference& reference);

std::string faults_reference(const Registry& registry);  // docs/faults.md, whole

}  // namespace squall
