// SPDX-License-Identifier: Apache-2.0
//
// A scenario file between its notation and its meaning: the sections that it has,
// each a flat list of settings. Only parse.cpp knows that it was TOML; only
// assemble.cpp knows what the keys mean.

#pragma once

#include "scenarios/model.hpp"
#include "scenarios/parse.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

struct Section {
  Place place;
  Settings settings;  // in the order of the file
};

struct Document {
  std::optional<Section> scenario;
  std::optional<Section> parameters;
  std::optional<Section> limits;
  std::vector<Section> probes;
  std::vector<Section> guards;
  std::vector<Section> faults;
};

// Null when the text is not TOML at all.
std::optional<Document> parse_document(const std::string& file, const std::string& text,
                                       Complaints& complaints);

// Overrides and replaces ${name}, in every text but those of [parameters].
std::vector<ScenarioParameter> put_in_parameters(Document& document, const Overrides& overrides,
                                                 Complaints& complaints);

Scenario assemble(const Document& document, const std::string& file, Complaints& complaints);

// In the order in which a reader meets them.
void sort_by_place(Complaints& complaints);

}  // namespace squall
