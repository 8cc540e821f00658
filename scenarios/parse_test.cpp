// SPDX-License-Identifier: Apache-2.0

#include "scenarios/parse.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sys/stat.h>

using namespace squall;

namespace {

constexpr auto kHeader = "[scenario]\nname = \"s\"\n[limits]\nmax_duration = \"5m\"\n";

std::string complaints_of(const std::string& text, const Overrides& overrides = {}) {
  Complaints complaints;
  parse_scenario("f.toml", text, overrides, complaints);
  std::string all;
  for (const auto& each : complaints) all += each.text() + "\n";
  return all;
}

Scenario parsed(const std::string& text, const Overrides& overrides = {}) {
  Complaints complaints;
  auto scenario = parse_scenario("f.toml", text, overrides, complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.text());
  REQUIRE(scenario);
  return std::move(*scenario);
}

std::string read_complaint(const std::string& path) {
  Complaints complaints;
  CHECK_FALSE(read_scenario(path, {}, complaints));
  REQUIRE(complaints.size() == 1);
  CHECK(complaints.front().place.file == path);
  return complaints.front().what;
}

struct Folder : squall::testing::TemporaryDirectory {
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name, std::ios::binary) << text;
    return *this / name;
  }
};

}  // namespace

TEST_CASE("the scenario of the contract becomes a model") {
  const auto scenario = parsed(R"([scenario]
name = "slow and lossy order gateway"
description = "What a bad uplink does to order acknowledgements."
hypothesis = "Orders are acknowledged within 50 ms while the uplink loses 1 %."
owner = "order-entry"
tags = ["network", "paved-path"]

[parameters]
interface = { default = "eth0", help = "uplink of the gateway" }
loss = { default = "1%", help = "share of packets lost" }

[limits]
max_duration = "5m"
seed = 42

[[probe]]
name = "gateway answers"
kind = "tcp"
address = "127.0.0.1:9001"
every = "500ms"
timeout = "200ms"
expect = { latency = "< 50ms" }
breaches = 3
on_breach = "record"
when = ["before", "after"]

[[guard]]
kind = "pressure"
resource = "memory"
some_avg10 = "< 40%"

[[fault]]
name = "lossy uplink"
kind = "netem"
start = "5s"
duration = "60s"
target = { interface = "${interface}", namespace = "gw" }
match = { direction = "egress", protocol = "tcp", port = 9001 }
loss = "${loss}"
ramp = { loss = { to = "10%", over = "30s" } }
)",
                               {{"interface", "eth1"}});
  CHECK(scenario.name == "slow and lossy order gateway");
  CHECK(scenario.tags == std::vector<std::string>{"network", "paved-path"});
  CHECK(scenario.max_duration == 5min);
  CHECK(scenario.seed == 42);
  REQUIRE(scenario.parameters.size() == 2);
  CHECK(scenario.parameters[0].name == "interface");
  CHECK(scenario.parameters[0].value == "eth1");
  CHECK(scenario.parameters[0].overridden);
  CHECK(scenario.parameters[1].value == "1%");
  CHECK(scenario.parameters[1].help == "share of packets lost");

  REQUIRE(scenario.probes.size() == 1);
  const auto& probe = scenario.probes.front();
  CHECK(probe.every == 500ms);
  CHECK(probe.timeout == 200ms);
  CHECK(probe.breaches == 3);
  CHECK(probe.on_breach == OnBreach::record);
  CHECK(probe.when == std::vector{Phase::before, Phase::after});
  REQUIRE(probe.settings.size() == 2);
  CHECK(probe.settings[1].name == "expect.latency");

  REQUIRE(scenario.guards.size() == 1);
  CHECK(scenario.guards.front().kind == "pressure");
  CHECK(scenario.guards.front().settings.size() == 2);

  REQUIRE(scenario.faults.size() == 1);
  const auto& fault = scenario.faults.front();
  CHECK(fault.start == 5s);
  CHECK(fault.duration == 60s);
  CHECK(fault.place.line == 32);
  REQUIRE(fault.settings.size() == 6);
  CHECK(fault.settings[0].name == "target.interface");
  CHECK(std::get<std::string>(fault.settings[0].raw.value) == "eth1");
  CHECK(fault.settings[0].raw.place.line == 37);
  CHECK(fault.settings[0].raw.place.column == 24);
  CHECK(std::get<std::int64_t>(fault.settings[4].raw.value) == 9001);
  REQUIRE(fault.ramps.size() == 1);
  CHECK(fault.ramps.front().field == "loss");
  CHECK(fault.ramps.front().over == 30s);
}

TEST_CASE("parameters are put in before types are known") {
  const auto text = std::string(kHeader) +
                    "[parameters]\nport = { default = 9001 }\nhost = { default = \"h\" }\n"
                    "[[fault]]\nkind = \"x\"\nport = \"${port}\"\nurl = \"http://${host}:${port}/"
                    "$${host}/$\"\nlist = [\"${host}\", \"b\"]\n";
  const auto settings = parsed(text, {{"host", "${port}"}}).faults.front().settings;
  CHECK(settings[0].raw.from_flag);
  CHECK(std::get<std::string>(settings[0].raw.value) == "9001");
  CHECK_FALSE(settings[1].raw.from_flag);
  CHECK(std::get<std::string>(settings[1].raw.value) == "http://${port}:9001/${host}/$");
  CHECK(std::get<std::string>(std::get<Raw::List>(settings[2].raw.value)[0].value) == "${port}");
}

TEST_CASE("the keys of several parameters may be written in any order") {
  const auto made = parsed(std::string(kHeader) +
                           "[parameters]\na.default = \"1\"\nb.default = \"2\"\n"
                           "a.help = \"first\"\nb.help = \"second\"\n");
  REQUIRE(made.parameters.size() == 2);
  CHECK(made.parameters[0].value == "1");
  CHECK(made.parameters[0].help == "first");
  CHECK(made.parameters[1].value == "2");
  CHECK(made.parameters[1].help == "second");
}

TEST_CASE("what is wrong with parameters is told at its place") {
  const auto text =
      std::string(kHeader) +
      "[parameters]\nloss = { default = \"1%\" }\nplain = \"x\"\nopen = { help = \"h\" "
      "}\nbad = { defualt = 1 }\n[[fault]]\nkind = \"x\"\na = \"${los}\"\nb = "
      "\"${loss\"\n";
  CHECK(
      complaints_of(text, {{"lsos", "2%"}}) ==
      "error: --set: the scenario has no parameter 'lsos' (did you mean 'loss'?)\n"
      "f.toml:7:1: error: the parameter 'plain' is not a table\n"
      "  hint: write it like this: loss = { default = \"1%\", help = \"share of packets lost\" }\n"
      "f.toml:8:10: error: the parameter 'open' has no value\n"
      "  hint: give it a default, or pass --set open=…\n"
      "f.toml:9:9: error: parameter 'bad': unknown key 'defualt' (did you mean 'default'?)\n"
      "f.toml:9:9: error: the parameter 'bad' has no value\n"
      "  hint: give it a default, or pass --set bad=…\n"
      "f.toml:12:5: error: unknown parameter 'los' (did you mean 'loss'?)\n"
      "f.toml:13:5: error: a '${' has no '}'\n"
      "  hint: write $${ where the text itself holds a ${\n");
}

TEST_CASE("every complaint of a file at once, in its order") {
  CHECK(
      complaints_of("fualt = 1\n[scenario]\nnmae = \"x\"\n[limits]\nmax_duration = 300\n"
                    "[[probe]]\nevery = \"1x\"\nkind = \"tcp\"\n[[fault]]\nduration = \"60\"\n") ==
      "f.toml:1:1: error: scenario file: unknown key 'fualt' (did you mean 'fault'?)\n"
      "f.toml:2:1: error: [scenario]: 'name' is missing\n"
      "  hint: write name = \"…\" (name of the scenario)\n"
      "f.toml:3:1: error: [scenario]: unknown key 'nmae' (did you mean 'name'?)\n"
      "f.toml:5:16: error: max_duration: '300' has no unit\n"
      "  hint: write a unit, for example \"300ms\"\n"
      "f.toml:7:9: error: every: unknown unit 'x' in '1x'\n"
      "  hint: the units of a duration are ns, us, ms, s, m, h, d\n"
      "f.toml:9:1: error: [[fault]]: 'kind' is missing\n"
      "  hint: write kind = \"…\" (kind of fault)\n"
      "f.toml:10:12: error: duration: '60' has no unit\n"
      "  hint: write a unit, for example 60ms\n");
}

TEST_CASE("a scenario without a deadline is told to add one") {
  CHECK(complaints_of("[scenario]\nname = \"s\"\n") ==
        "f.toml: error: the scenario has no 'max_duration'\n"
        "  hint: add its deadline under [limits], for example max_duration = \"5m\"; everything is "
        "rolled back when that time is over\n");
}

TEST_CASE("a probe's timeout fits between two questions") {
  const auto probe = [](const std::string& keys) {
    return std::string(kHeader) + "[[probe]]\nkind = \"tcp\"\n" + keys;
  };
  CHECK(parsed(probe("every = \"200ms\"\n")).probes.front().timeout == 200ms);
  CHECK(parsed(probe("every = \"5s\"\n")).probes.front().timeout == 1s);
  CHECK(complaints_of(probe("every = \"1s\"\ntimeout = \"2s\"\n")) ==
        "f.toml:8:11: error: timeout: 2s is longer than every 1s, so questions would overlap\n"
        "  hint: make the timeout shorter or ask less often\n");
  CHECK(complaints_of(probe("breaches = 0\nwhen = []\n"))
            .starts_with("f.toml:7:12: error: breaches: 0 is outside 1 to 1000000\n"));
}

TEST_CASE("ramps are `to` and `over`") {
  const auto fault = [](const std::string& keys) {
    return std::string(kHeader) + "[[fault]]\nkind = \"x\"\n" + keys;
  };
  CHECK(complaints_of(fault("ramp = { loss = \"10%\" }\n")) ==
        "f.toml:7:10: error: 'ramp.loss' is not the `to` or `over` of a ramp\n"
        "  hint: write ramp = { loss = { to = \"10%\", over = \"30s\" } }\n");
  CHECK(complaints_of(fault("ramp = { loss = { to = \"10%\" } }\n")) ==
        "f.toml:7:19: error: the ramp of 'loss' has no `over`\n"
        "  hint: write ramp = { loss = { to = \"10%\", over = \"30s\" } }\n");
  CHECK(complaints_of(fault("ramp.loss = { to = \"10%\", over = 30 }\n")) ==
        "f.toml:7:34: error: ramp.loss.over: '30' has no unit\n"
        "  hint: write a unit, for example \"30ms\"\n");
}

TEST_CASE("names are not used twice") {
  const auto text =
      std::string(kHeader) +
      "[[fault]]\nkind = \"x\"\n[[fault]]\nkind = \"x\"\n[[fault]]\nkind = \"y\"\nname "
      "= \"a\\nb\"\n";
  CHECK(complaints_of(text) ==
        "f.toml:7:1: error: the fault in line 5 is also named 'x'\n"
        "  hint: give each fault a name of its own\n"
        "f.toml:11:8: error: the name is longer than 100 bytes or holds a line break\n");
}

TEST_CASE("values of the wrong shape") {
  const auto shapes = complaints_of("scenario = 1\nfault = 2\n[probe]\nkind = \"tcp\"\n");
  CHECK(shapes.find("f.toml:1:1: error: 'scenario' is not a table") != std::string::npos);
  CHECK(shapes.find("f.toml:2:1: error: 'fault' is not a list of tables") != std::string::npos);
  CHECK(shapes.find("f.toml:3:2: error: 'probe' is not a list of tables\n"
                    "  hint: write each one as [[probe]], with two brackets") != std::string::npos);
  const auto text =
      std::string(kHeader) +
      "[[fault]]\nkind = \"x\"\nwhen = 2024-01-01\nmatch = {}\nl = [{a=1}]\na.b = 1\n\"a.b\" = "
      "1\nd = {a={a={a={a={a={a={a={a={a=1}}}}}}}}}\n";
  CHECK(complaints_of(text) ==
        "f.toml:7:8: error: dates and times are not known here\n"
        "  hint: put the value in quotes\n"
        "f.toml:8:1: error: 'match' is an empty table\n"
        "  hint: fill it or remove it\n"
        "f.toml:9:6: error: a table has no place in this list\n"
        "f.toml:11:1: error: 'a.b' is given twice\n"
        "  hint: remove one of the two\n"
        "f.toml:12:24: error: 'd.a.a.a.a.a.a.a' is nested too deeply\n");
}

TEST_CASE("broken TOML is one complaint with its place") {
  CHECK(complaints_of("[scenario]\nname = \n") ==
        "f.toml:2:8: error: not valid TOML: key-value pair: expected value, saw '\\n'\n");
  CHECK(complaints_of("[limits]\nmax_duration = 5m\n") ==
        "f.toml:2:17: error: not valid TOML: decimal integer: expected digit, saw 'm'\n"
        "  hint: all values but plain numbers, true and false stand in quotes: delay = \"20ms\"\n");
}

TEST_CASE("what is no scenario text is refused before it is parsed") {
  CHECK(complaints_of(std::string("a = \"\0\"\n", 8)) ==
        "f.toml:1:6: error: the file holds a NUL byte\n  hint: is it a binary file?\n");
  CHECK(complaints_of("# ü\n# \xFF\n") ==
        "f.toml:2:3: error: the file is not UTF-8 text\n  hint: save it as plain UTF-8 text\n");
  CHECK(complaints_of("\n \n").find("nothing but blanks") != std::string::npos);
  std::string deep = "a";
  for (int i = 0; i < 400'000; ++i) deep += ".a";
  CHECK(complaints_of(deep + " = 1\n").find("more than 10000 dots") != std::string::npos);
  CHECK(complaints_of("a = " + std::string(500'000, '[')).find("not valid TOML") !=
        std::string::npos);
}

TEST_CASE("parameters cannot blow a file up") {
  std::string text = std::string(kHeader) + "[parameters]\np = { default = \"" +
                     std::string(100'000, 'x') + "\" }\n[[fault]]\nkind = \"x\"\na = \"";
  for (int i = 0; i < 1000; ++i) text += "${p}";
  CHECK(complaints_of(text + "\"\n") ==
        "f.toml:9:5: error: the parameters of this file add up to more than 4 MiB\n");
}

TEST_CASE("files that are no scenario get one clear message") {
  const Folder folder;
  CHECK(read_complaint(folder.write("empty.toml", "")) == "the file is empty");
  CHECK(read_complaint(folder.write("large.toml", std::string(10 << 20, '#'))) ==
        "the file is larger than 1 MiB, too large for a scenario");
  CHECK(read_complaint(folder.path()) == "it is a directory");
  const std::string missing = folder / "missing.toml";
  CHECK(read_complaint(missing) == "cannot open '" + missing + "': No such file or directory");
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_complaint(pipe) == "it is not a regular file");
}
