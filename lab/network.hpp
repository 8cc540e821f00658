// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces with a name under /run/netns, as `ip netns` makes and shows
// them, and the veth pairs between them.

#pragma once

#include "safety/base/fd.hpp"

#include "lab/lab.hpp"
#include "lab/layout.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace squall::lab {

// Makes /run/netns a shared mount, as ip does. True when it was not one before.
Result<bool> prepare_networks();
// Takes /run/netns away again, if it is empty.
void unprepare_networks();

Result<> make_network(const std::string& name);    // with lo up; error when the name exists
Result<> delete_network(const std::string& name);  // gone already is success
Result<Fd> open_network(const std::string& name);
std::uint64_t network_inode(const std::string& name);  // 0: there is none

// Runs `work` inside the namespace ("" is this one) and comes back; when coming back
// fails the process ends, for everything after would touch the wrong machine.
Result<> inside(const std::string& network, const std::function<Result<>()>& work);

Result<> take_loopback_up();  // of the namespace we are in
// Kernel: a link-local address is tentative for a second while it is checked for duplicates,
// and a router asks for its neighbours from there. Nobody else is on our links.
Result<> skip_duplicate_check(const std::string& device);
// The pair, each end in its namespace, up and with its addresses.
Result<> make_link(const LabLink& link);
// Sends what is for `v4`/24 and `v6`/64 to the given next hops.
Result<> add_route(const std::string& network, const std::string& v4, int prefix,
                   const std::string& next_hop);
// Only if it is a veth that carries our mark; gone already is success.
Result<> delete_device(const std::string& name);
bool device_exists(const std::string& name);

// The address or route of this host, other than a default route, that has some of the lab's
// addresses already: "198.18.0.7 on 'eth0'"; "" when there is none.
Result<std::string> owner_of_addresses(const Layout& layout);

}  // namespace squall::lab
