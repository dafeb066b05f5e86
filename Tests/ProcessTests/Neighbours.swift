// What a test meets besides nodes: servers that are none, a place to look for files, texts of the world.

import Foundation
import Processes

/// Something that listens on 127.0.0.1 and is no node.
final class StrangeServer: @unchecked Sendable {
  enum Manner: String, CaseIterable, Sendable {
    /// Takes connections and never says a word.
    case silent = "is silent"
    /// Answers as a web server does.
    case http = "speaks HTTP"
    /// Says what means nothing.
    case garbage = "sends garbage"
    /// Hangs up at once.
    case closing = "closes at once"
  }

  let address: String
  private let listener: Int32
  private let manner: Manner
  private let lock = NSLock()
  private var connections: [Int32] = []
  private var isEnding = false

  init(_ manner: Manner) throws {
    self.manner = manner
    (listener, address) = try Self.listen()
    Thread { [self] in serve() }.start()
  }

  /// Ends the server and its connections. (Its thread keeps the object until then.)
  func end() {
    lock.withLock {
      isEnding = true
      for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }
    shutdown(listener, Int32(SHUT_RDWR))  // wakes `accept`
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { break }
      lock.withLock {
        connections.append(connection)
        if isEnding { shutdown(connection, Int32(SHUT_RDWR)) }
      }
      switch manner {
      case .silent: break
      case .http:
        say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8, to: connection)
      case .garbage: say((0..<4096).map { _ in UInt8.random(in: 0...255) }, to: connection)
      case .closing: shutdown(connection, Int32(SHUT_RDWR))
      }
    }
    lock.withLock {
      for connection in connections { close(connection) }
      connections = []
    }
    close(listener)
  }

  private func say(_ bytes: some Collection<UInt8>, to connection: Int32) {
    let bytes = Array(bytes)
    send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private static func listen() throws -> (Int32, String) {
    for _ in 0..<3 {
      let address = try FreePorts.addresses(1)[0]
      if let listener = try? TCP.listen(on: address) { return (listener, address) }
    }
    throw ProcessError("no port to be had")
  }
}

/// The little of sockets that tests need.
enum TCP {
  static func listen(on address: String) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let result = withAddress(address) { bind(descriptor, $0, $1) == 0 && Glibc.listen(descriptor, 64) == 0 }
    guard result else {
      close(descriptor)
      throw ProcessError("cannot listen on \(address)")
    }
    return descriptor
  }

  /// Connects, says it all, hears nothing, hangs up.
  static func shout(_ bytes: [UInt8], at address: String) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard withAddress(address, { connect(descriptor, $0, $1) == 0 }) else {
      throw ProcessError("cannot connect to \(address)")
    }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }  // it has hung up on us, or does not listen any more
      done += count
    }
  }

  private static func withAddress<Result>(
    _ text: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(text.split(separator: ":").last.flatMap { UInt16($0) } ?? 0).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// An empty directory that is a program's whole home, and goes with the object.
final class Home {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("home-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Every variable by which a program finds a place for its files.
  var environment: [String: String] {
    let names = [
      "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    ]
    return Dictionary(uniqueKeysWithValues: names.map { ($0, path) })
  }

  /// What lies in it, at any depth.
  var files: [String] {
    FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String }.sorted() ?? []
  }
}

/// Texts that something has broken before.
let textsOfTheWorld: [String] = [
  "hello",
  " ",
  "Grüße aus Köln, ¿qué tal?, Zażółć gęślą jaźń",
  "Привет, как дела?",
  "Γειά σου Κόσμε",
  "שלום עולם",
  "مرحبا بالعالم — كيف الحال؟",
  "mixed עברית and English ‏and back",
  "नमस्ते दुनिया, क्षत्रिय",
  "வணக்கம் உலகம்",
  "สวัสดีชาวโลก",
  "ສະບາຍດີ", "မင်္ဂလာပါ", "ជំរាបសួរ", "გამარჯობა", "Բարեւ", "ሰላም ልዑል", "ᏣᎳᎩ", "ᠮᠣᠩᠭᠣᠯ",
  "你好，世界", "こんにちは世界", "안녕하세요 세계", "안녕",
  "𒀀𒁀 𓀀𓂀 𐌰𐌱 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎𠜱",
  "😀👍🏽👩‍👩‍👧‍👦🏳️‍🌈🇩🇪🧑🏿‍🚀#️⃣",
  "e\u{301} and \u{E9} are not the same bytes",
  "Z\u{351}\u{36B}\u{343}\u{36A}\u{302}a\u{30A}\u{34B}l\u{340}\u{355}g\u{321}\u{35D}o\u{489}",
  "\u{301}a text that begins with a combining mark",
  "line\nbreak\r\nand\rothers\u{85}\u{2028}\u{2029}\u{B}\u{C}end",
  "\n",
  "\t\u{1}\u{7}\u{8}\u{1B}[31m\u{7F}\u{9B}",
  "zero\u{0}in the middle", "\u{0}",
  "\u{FEFF}a mark of order\u{FFFE}\u{FFFF}\u{FFFD}",
  "\u{10FFFF}\u{10FFFE}\u{E000}\u{E0001}",
  "\u{202E}overridden\u{202C} \u{2066}isolated\u{2069} zero\u{200B}width\u{200D}",
  "\"quoted\" \\ back/slash \\u0041 \\n </script> {\"jsonrpc\":\"2.0\"}",
  "/quit", "/find nobody#", "#", "alice#", "  spaces at both ends  ",
]
