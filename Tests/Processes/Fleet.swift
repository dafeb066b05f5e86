// Many nodes on one machine, and an oracle that knows what their ring must answer.

import Foundation

/// What a ring of these nodes must say: the owner of a key is the first node at or after it, going round.
public struct Oracle: Sendable {
  /// Node identifiers, 40 hexadecimal digits each, in the order of the ring.
  public let nodes: [String]

  public init(nodes: some Sequence<String>) {
    self.nodes = Set(nodes).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The owner of a key.
  public func owner(of key: String) -> String? {
    nodes.first { !$0.utf8.lexicographicallyPrecedes(key.utf8) } ?? nodes.first
  }

  /// The next node after one.
  public func successor(of node: String) -> String? {
    nodes.firstIndex(of: node).map { nodes[($0 + 1) % nodes.count] }
  }

  /// The nodes after one, as many as a member keeps.
  public func successors(of node: String) -> [String]? {
    nodes.firstIndex(of: node).map { place in (1..<nodes.count).prefix(16).map { nodes[(place + $0) % nodes.count] } }
  }

  /// The next node before one.
  public func predecessor(of node: String) -> String? {
    nodes.firstIndex(of: node).map { nodes[($0 + nodes.count - 1) % nodes.count] }
  }

  /// What is wrong with the answer to a `lookup` that the node `asker` made; nil if nothing is.
  public func fault(in answer: JSON, to key: String, asker: String) -> String? {
    guard let owner = answer["owner"]?.string, let hops = answer["hops"]?.integer, let path = answer["path"]?.strings,
      let address = answer["address"]?.string, let milliseconds = answer["milliseconds"]?.double
    else { return "not the shape of an answer: \(answer)" }
    if owner != self.owner(of: key) { return "\(key) belongs to \(self.owner(of: key) ?? "nobody"), not to \(owner)" }
    if hops != path.count { return "\(hops) hops, but a path of \(path.count)" }
    if hops == 0, owner != asker { return "no hops, but the owner is another node" }
    if hops > 0, owner == asker { return "hops on the way to the asker itself" }
    if let last = path.last, last != owner { return "the path does not end at the owner" }
    if hops > 32 { return "more than 32 hops" }
    if let stranger = path.first(where: { !nodes.contains($0) }) {
      return "\(stranger) on the path is none of the nodes"
    }
    if Set(path).count != path.count { return "the path goes in circles" }
    if address.isEmpty || milliseconds < 0 { return "no address or no time: \(answer)" }
    return nil
  }
}

/// Ports that nobody listens on at the moment.
public enum FreePorts {
  /// Loopback addresses `127.0.0.1:PORT`, all different. Another process can take one before it is used: a node that says so
  /// (exit code 74) is started again elsewhere.
  public static func addresses(_ count: Int) throws -> [String] {
    var held: [Int32] = []
    defer { for descriptor in held { close(descriptor) } }
    return try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard descriptor >= 0 else { throw ProcessError("no socket: \(String(cString: strerror(errno)))") }
      held.append(descriptor)
      return "127.0.0.1:\(try bindToLoopback(descriptor))"
    }
  }

  /// Binds to any free port of 127.0.0.1 and tells which.
  static func bindToLoopback(_ descriptor: Int32) throws -> UInt16 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard result else { throw ProcessError("cannot bind: \(String(cString: strerror(errno)))") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// Bootstrap nodes and chat nodes of one network, as processes.
public final class Fleet {
  public private(set) var bootstraps: [NodeProcess] = []
  public private(set) var chats: [NodeProcess] = []
  /// `HOST:PORT` of the bootstrap nodes.
  public private(set) var addresses: [String] = []
  public let network: String

  /// All nodes, bootstraps first.
  public var nodes: [NodeProcess] { bootstraps + chats }

  /// Starts them and waits until all are ready. Chat nodes are called by `names`.
  public init(
    bootstraps: Int = 1, names: [String] = [], network: String = Fleet.freshNetwork(),
    readyWithin limit: Duration = Patience.ready
  ) throws {
    self.network = network
    if bootstraps > 0 { try startBootstraps(bootstraps) }
    for name in names { try startChat(name) }
    for node in nodes { try node.waitUntilReady(within: limit) }
  }

  /// A name of a network that no other test uses.
  public static func freshNetwork() -> String { "test-\(UUID().uuidString.lowercased())" }

  /// A port found free can be taken a moment later: then all start again elsewhere, three times at most.
  private func startBootstraps(_ count: Int) throws {
    for attempt in 1... {
      addresses = try FreePorts.addresses(count)
      bootstraps = try addresses.map { address in
        try NodeProcess(.init(listen: address, bootstraps: addresses, network: network))
      }
      do {
        for node in bootstraps { try node.waitUntilReady() }
        return
      } catch {
        let isPortTaken = bootstraps.contains { $0.process.ending(within: .zero) == .exited(74) }
        guard isPortTaken, attempt < 3 else { throw error }
      }
    }
  }

  /// Starts one more chat node; does not wait for it to be ready.
  @discardableResult
  public func startChat(_ name: String, extra: [String] = [], launcher: [String] = []) throws -> NodeProcess {
    var options = NodeProcess.Options(username: name, bootstraps: addresses, network: network)
    options.extra = extra
    options.launcher = launcher
    let node = try NodeProcess(options)
    chats.append(node)
    return node
  }

  /// Ends nodes by SIGKILL all at once, and forgets them.
  public func kill(_ victims: [NodeProcess]) {
    for victim in victims { victim.signal(SIGKILL) }
    bootstraps.removeAll { node in victims.contains { $0 === node } }
    chats.removeAll { node in victims.contains { $0 === node } }
  }

  /// Forgets a node that has left.
  public func forget(_ node: NodeProcess) {
    bootstraps.removeAll { $0 === node }
    chats.removeAll { $0 === node }
  }

  // MARK: What the ring must be

  /// What is to be expected of the nodes as they are now.
  public func oracle() throws -> Oracle { Oracle(nodes: try nodes.map { try $0.node() }) }

  /// Waits until every node knows its right neighbours; throws what is still wrong when the limit has passed.
  public func settle(within limit: Duration = Patience.settling) throws {
    let oracle = try oracle()
    var fault: String?
    let settled: Void? = try eventually(within: limit) {
      fault = try self.fault(by: oracle)
      return fault == nil ? () : nil
    }
    if settled == nil { throw ProcessError("after \(limit) the ring is not settled: \(fault ?? "")") }
  }

  private func fault(by oracle: Oracle) throws -> String? {
    for node in nodes {
      let status = try node.request("status")
      let me = status["node"]?.string ?? ""
      if oracle.nodes.count == 1 { continue }
      guard status["successors"]?.strings == oracle.successors(of: me) else { return "successors of \(status)" }
      guard status["predecessor"]?.string == oracle.predecessor(of: me) else { return "predecessor of \(status)" }
    }
    return nil
  }

  /// Waits until every node answers every one of these keys as the oracle does, with a plausible path.
  public func agree(on keys: [String], within limit: Duration = Patience.settling) throws {
    let oracle = try oracle()
    var faults: [String] = []
    let agreed: Void? = try eventually(within: limit) {
      faults = try self.faults(inLookupsOf: keys, by: oracle)
      return faults.isEmpty ? () : nil
    }
    if agreed == nil {
      throw ProcessError("after \(limit) \(faults.count) lookups are wrong: \(faults.prefix(3))")
    }
  }

  private func faults(inLookupsOf keys: [String], by oracle: Oracle) throws -> [String] {
    try nodes.flatMap { node in
      let me = try node.node()
      let tickets = try keys.map { key in (key, try node.ask("lookup", ["key": .string(key)])) }
      return try tickets.compactMap { key, ticket in
        do {
          return oracle.fault(in: try node.answer(to: ticket).value, to: key, asker: me)
        } catch let error as RPCError {
          return error.description
        }
      }
    }
  }

  /// Keys that every node is asked for: each node's own identifier, its neighbours, and the ends of the identifiers.
  public func interestingKeys() throws -> [String] {
    let zero = String(repeating: "0", count: 40)
    let ones = String(repeating: "f", count: 40)
    return try oracle().nodes.flatMap { [$0, Self.stepped($0, by: 1), Self.stepped($0, by: -1)] } + [zero, ones]
  }

  /// The identifier one before or after, going round.
  public static func stepped(_ key: String, by step: Int) -> String {
    var digits = key.utf8.map { Int(Character(Unicode.Scalar($0)).hexDigitValue ?? 0) }
    for index in digits.indices.reversed() {
      digits[index] += step
      if (0...15).contains(digits[index]) { break }
      digits[index] = (digits[index] + 16) % 16
    }
    return digits.map { String($0, radix: 16) }.joined()
  }

  // MARK: Ending

  /// All nodes quit; throws if one does not, or has broken the contract on the way.
  public func quit() throws {
    let tickets = try nodes.map { ($0, try $0.ask("quit")) }
    for (node, ticket) in tickets { _ = try node.answer(to: ticket, within: Patience.quitting) }
    for node in nodes {
      let ending = try node.ending()
      guard ending == .exited(0) else {
        throw ProcessError("a node quit with \(ending): \(node.process.standardError)")
      }
      guard node.breaches.isEmpty else { throw ProcessError("against the contract: \(node.breaches)") }
    }
  }
}

extension NodeProcess {
  /// The user of a chat node, `name#id`.
  public func user() throws -> String {
    guard let user = try waitUntilReady()["user"]?.string else { throw ProcessError("a node without a user") }
    return user
  }

  /// The identifier of the node.
  public func node() throws -> String {
    guard let node = try waitUntilReady()["node"]?.string else { throw ProcessError("a node without an identifier") }
    return node
  }

  /// Sends a text and waits for the acknowledgement; the message's number.
  @discardableResult
  public func send(_ text: String, to user: String, within limit: Duration = Patience.answer) throws -> Int {
    let result = try request("send", ["user": .string(user), "text": .string(text)], within: limit)
    guard let id = result["id"]?.integer else { throw ProcessError("no number: \(result)") }
    return id
  }

  /// Waits for the next text from that user, and takes it.
  public func nextText(from user: String, within limit: Duration = Patience.answer) throws -> String {
    let message = try waitFor("message", within: limit) { $0["user"]?.string == user }
    guard let text = message["text"]?.string else { throw ProcessError("a message without a text: \(message)") }
    return text
  }
}
