// SPDX-License-Identifier: Apache-2.0

#include "scenarios/control.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace squall {
namespace {

// Takes the question and dies.
class Silent {
 public:
  explicit Silent(const Paths& paths) {
    std::filesystem::create_directories(paths.run);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, paths.control().c_str(), sizeof address.sun_path - 1);
    socket_ = Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(socket_.get() >= 0);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    REQUIRE(::listen(socket_.get(), 1) == 0);
    thread_ = std::thread([this] {
      const Fd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      char question[16];
      (void)!::read(client.get(), question, sizeof question);
    });
  }
  ~Silent() { thread_.join(); }

 private:
  Fd socket_;
  std::thread thread_;
};

TEST_CASE("a run that dies before it answers is no question of permission") {
  const testing::TemporaryDirectory dir;
  const Silent run(dir.paths());
  const auto status = ask_status(dir.paths());
  REQUIRE_FALSE(status);
  CHECK(status.error().what == "the run ended before it answered");
  CHECK(status.error().hint.find("squall status") != std::string::npos);
}

TEST_CASE("a probe's answer of any bytes can be told") {
  RunStatus status;
  status.run = "r";
  status.probes = {{"answers", "\xff\xfe"}};
  const auto text = to_json(status);
  CHECK(text.find("{\"active\":true,\"run\":\"r\"") == 0);
  CHECK(text.find("answers") != std::string::npos);
}

}  // namespace
}  // namespace squall
