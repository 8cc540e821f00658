// SPDX-License-Identifier: Apache-2.0
//
// The words in which podman and docker tell of their containers. What cannot be understood is
// left out.

#pragma once

#include "faults/kit/container.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

std::vector<Container> podmans_containers(const std::string& containers_json);
std::vector<Container> dockers_container(const std::string& config_v2_json);  // one, or none
// Of "GET /containers/json?all=true", with its header; nothing when it is no such list.
std::optional<std::vector<Container>> engines_answer(const std::string& answer, const char* engine);

}  // namespace squall
