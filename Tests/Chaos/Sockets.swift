// Which TCP ports a process uses, as Linux tells it: the sockets among its descriptors, looked up in the table of its network.
//
//     /proc/PID/fd/7 → socket:[4711]          /proc/PID/net/tcp:   sl  local_address rem_address   …  inode
//                                                                   0: 0100007F:AE0F 0100007F:2710 … 4711
//
// The table has thousands of lines and is asked for at every connection: it is read only when the process has a socket that
// was not looked up before, and as bytes.

import Foundation

/// The sockets of one process.
struct Sockets {
  private let process: pid_t
  private var portOfInode: [UInt64: UInt16] = [:]

  init(of process: pid_t) { self.process = process }

  /// The local ports of all TCP sockets (IPv4) that the process has open; none if it is gone.
  mutating func ports() -> Set<UInt16> {
    let inodes = inodes()
    portOfInode = portOfInode.filter { inodes.contains($0.key) }
    let new = inodes.subtracting(portOfInode.keys)
    // Sockets that are not in the table (pipes of another kind) are looked up once: 0 is nobody's port.
    if !new.isEmpty { portOfInode.merge(lookUp(new)) { $1 } }
    return Set(portOfInode.values)
  }

  private func inodes() -> Set<UInt64> {
    guard let directory = opendir("/proc/\(process)/fd") else { return [] }
    defer { closedir(directory) }
    var inodes: Set<UInt64> = []
    var target = [UInt8](repeating: 0, count: 64)
    while let entry = readdir(directory) {
      let count = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          target.withUnsafeMutableBytes { target -> Int in
            guard let room = target.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
            return readlinkat(dirfd(directory), name, room, target.count)
          }
        }
      }
      let prefix = "socket:["
      guard count > prefix.utf8.count, target.starts(with: prefix.utf8) else { continue }
      inodes.insert(Self.number(target[prefix.utf8.count..<(count - 1)], radix: 10))
    }
    return inodes
  }

  private func lookUp(_ inodes: Set<UInt64>) -> [UInt64: UInt16] {
    var ports: [UInt64: UInt16] = Dictionary(inodes.map { ($0, 0) }, uniquingKeysWith: { $1 })
    // FileManager believes the sizes of files, and those in /proc have none.
    guard let table = FileHandle(forReadingAtPath: "/proc/\(process)/net/tcp"), let data = try? table.readToEnd() else {
      return ports
    }
    let space = UInt8(ascii: " ")
    for line in [UInt8](data).split(separator: UInt8(ascii: "\n")).dropFirst() {
      let columns = line.split(separator: space, maxSplits: 10)
      guard columns.count > 9 else { continue }
      let inode = Self.number(columns[9], radix: 10)
      guard inodes.contains(inode) else { continue }
      ports[inode] = UInt16(truncatingIfNeeded: Self.number(columns[1].suffix(4), radix: 16))
    }
    return ports
  }

  private static func number(_ digits: ArraySlice<UInt8>, radix: UInt64) -> UInt64 {
    digits.reduce(0) { $0 &* radix &+ UInt64(Character(Unicode.Scalar($1)).hexDigitValue ?? 0) }
  }
}
