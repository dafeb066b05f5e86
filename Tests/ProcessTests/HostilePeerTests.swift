// The hostile peers of `make hostile`, a few of them and briefly: that they still find their way to the node, and the node through them.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Hostile peers") struct HostilePeers {
    @Test("a few kinds of attack, each of which the node sees through")
    func brief() throws {
      let run = try LineProcess(
        ["--seconds", "0.5", "--kinds", "garbage", "a bit", "replayed messages", "flood of lookups"],
        of: try NodeBinary.path(of: "hostile"))
      let ending = run.process.ending(within: Patience.retrying)
      // Beside other tests the honest may have to wait: what they notice is measured on a quiet machine.
      #expect(ending == .exited(0) || run.output.contains("others had to wait"), "\(run.process.standardError)")
      for reason in ["foreignProtocol", "unproved", "forged"] { #expect(run.output.contains(reason), "\(run.output)") }
    }

    @Test("out of descriptors a node neither spins nor dies, and takes newcomers again afterwards")
    func descriptors() throws {
      let network = Fleet.freshNetwork()
      var options = NodeProcess.Options(network: network)
      options.launcher = ["/bin/sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""]
      let node = try NodeProcess(options)
      let address = try #require(try node.waitUntilReady()["address"]?.string)
      let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
      let sockets = (0..<200).compactMap { _ in connect(to: port) }
      #expect(sockets.count > 64)
      let before = try processorSeconds(of: node.process.id)
      // For a second it goes on answering, and does next to nothing besides.
      let began = ContinuousClock.now
      while ContinuousClock.now - began < .seconds(1) {
        _ = try node.request("status")
        let _: Void? = eventually(within: .milliseconds(50)) { nil }
      }
      let spent = try processorSeconds(of: node.process.id) - before
      #expect(spent < 0.5, "\(spent) s of processor time in a second of waiting")
      for socket in sockets { close(socket) }
      let late = try NodeProcess(NodeProcess.Options(username: "late", bootstraps: [address], network: network))
      let status = try late.waitUntilReady()
      #expect(status["successors"]?.strings?.count == 1, "it found nobody: \(status)")
      _ = try late.request("quit")
      _ = try node.request("quit")
      #expect(try node.ending() == .exited(0))
    }

    private func connect(to port: UInt16) -> Int32? {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard descriptor >= 0, result == 0 else { return nil }
      return descriptor
    }

    private func processorSeconds(of id: pid_t) throws -> Double {
      let stat = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
      let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else {
        throw ProcessError("no state of process \(id)")
      }
      return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
  }
}
