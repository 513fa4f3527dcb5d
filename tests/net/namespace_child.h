#pragma once

#include <functional>
#include <string>

namespace penstock::test {

enum class Privilege { kKeep, kDropAll };

/// Runs `task` in a forked child with a network namespace of its own, `lo` up, so that its counters are the task's alone;
/// kDropAll takes every capability away first. Gives what the task returns: "" for a pass, else what went wrong; begins
/// with "SKIP" where no namespace can be had. A child that dies is a failure too.
std::string in_own_namespace(Privilege privilege, const std::function<std::string()>& task);

/// A counter of /proc/net/snmp or /proc/net/netstat of this namespace: counter("Tcp", "OutRsts"). -1: there is none.
long counter(const std::string& group, const std::string& name);

}  // namespace penstock::test
