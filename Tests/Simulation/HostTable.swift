// The hosts of a simulation, and which of them have changed since somebody wanted to know. Many lookups that all begin with the same tables
// each need a ring of their own; to copy ten thousand engines for each would take longer than the lookups, so only what a lookup has
// touched is put back after it.

import Chord

/// All hosts by their numbers.
struct HostTable: RandomAccessCollection {
  private var hosts: [Host] = []
  /// Which were changed since `watch`, some perhaps twice; nil while nobody watches.
  private var changed: [Int]?

  var startIndex: Int { 0 }
  var endIndex: Int { hosts.count }

  subscript(number: Int) -> Host {
    @inline(__always) _read { yield hosts[number] }
    @inline(__always) _modify {
      if changed?.last != number { changed?.append(number) }
      yield &hosts[number]
    }
  }

  mutating func append(_ host: Host) { hosts.append(host) }

  /// From now on what is changed is remembered.
  mutating func watch() { changed = [] }

  /// Makes every host that was changed what it is in `others`, from which this table was copied.
  mutating func restore(from others: HostTable) {
    hosts.removeLast(hosts.count - others.count)
    for number in changed ?? [] where number < hosts.count { hosts[number] = others.hosts[number] }
    changed = []
  }
}

extension Simulator {
  /// From now on it is remembered which hosts change, so that `rewind` is quick.
  public mutating func watchHosts() { hosts.watch() }

  /// Goes back to an earlier moment of this very run: a copy of which `watchHosts` was called on this one.
  public mutating func rewind(to snapshot: Simulator) {
    var hosts = HostTable()
    swap(&hosts, &self.hosts)
    hosts.restore(from: snapshot.hosts)
    let trace = trace
    self = snapshot
    self.hosts = hosts
    self.trace = trace
  }
}
