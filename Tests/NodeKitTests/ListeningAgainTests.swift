// A node whose machine has run out of descriptors, so that its listener had to give up.

import Chat
import Chord
import Glibc
import Testing
import UVRuntime

@testable import NodeKit

@Suite("A node that nobody can connect to")
struct ListeningAgainTests {
  /// In a process of its own, for the limit is the whole process's.
  @Test("it says so, and listens again at the same address when it can")
  func listensAgain() async {
    await #expect(processExitsWith: .success) {
      alarm(30)
      let loop = try EventLoop()
      let links = Links(on: loop, identity: .random(), network: "test")
      let address = try links.listen(at: .loopback4(port: 0))
      let owner = Owner()
      links.owner = owner
      // It waits in the system's backlog when there is no descriptor left for it.
      _ = try TCPConnection(on: loop, to: address, timeout: .seconds(10), handler: Mute())
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let before = limit.rlim_cur
      limit.rlim_cur = 3
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      var news: [UVError?] = []
      let end = Deadline(on: loop) { _exit(links.arrivals.count == 1 && news == [.tooManyOpenFiles, nil] ? 0 : 1) }
      owner.onListening = { error in
        news.append(error)
        if error != nil {
          precondition(links.listeningAddresses.isEmpty, "it listens")
          limit.rlim_cur = before
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        } else {
          precondition(links.listeningAddresses == [address], "it listens elsewhere")
          let dialled = try? TCPConnection(on: loop, to: address, timeout: .seconds(10), handler: Mute())
          precondition(dialled != nil, "no dial")
          end.set(loop.now + .milliseconds(100))
        }
      }
      loop.run()
    }
  }
}

/// Hears what becomes of listening.
private final class Owner: LinksOwner {
  var onListening: (UVError?) -> Void = { _ in }

  func dialled(_ peer: Peer, isThere: Bool) {}
  func linked(_ remote: RemoteNode, at host: Endpoint.Host, seenAs: Endpoint?) {}
  func received(_ type: UInt8, _ payload: RawSpan, from remote: RemoteNode) {}
  func lost(_ id: Identifier) {}
  func parted(_ id: Identifier) {}
  func departed(_ id: Identifier) {}
  func unreachable(_ peer: Peer) {}
  func linkEnded(_ failure: LinkFailure) {}
  func listening(failed error: UVError?) { onListening(error) }
}
