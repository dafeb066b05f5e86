// Going back to an earlier moment. Many lookups that all begin with the same tables each need a ring of their own; to copy ten thousand
// engines for each would take longer than the lookups. What happens changes only the host to which it happens, so it is enough to
// remember to whom anything has happened, and to put these back.

import Chord

extension Simulator {
  /// From now on it is remembered to whom anything happens, so that `rewind` is quick.
  public mutating func watchHosts() { changedHosts = [] }

  /// Goes back to an earlier moment of this very run: a copy made before `watchHosts` was called on this one.
  public mutating func rewind(to snapshot: Simulator) {
    var hosts: [Host] = []
    swap(&hosts, &self.hosts)
    let changed = changedHosts ?? Array(hosts.indices)
    hosts.removeLast(hosts.count - snapshot.hosts.count)
    for host in changed where host < hosts.count { hosts[host] = snapshot.hosts[host] }
    let trace = trace
    self = snapshot
    self.trace = trace
    self.hosts = hosts
    changedHosts = []
  }
}
