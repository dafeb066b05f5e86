// Two nodes in one program find each other and talk.
import NodeKit

var configuration = NodeConfiguration()
configuration.network = "example-pair"
configuration.listen = "127.0.0.1:0"
configuration.bootstraps = []
configuration.username = try UserName("alice")
let alice = try await Node.start(configuration)

configuration.username = try UserName("bob")
configuration.bootstraps = ["\(await alice.status!.address)"]
let bob = try await Node.start(configuration)

let (alicesName, bobsName) = (await alice.user!, await bob.user!)
print("\(bobsName) is at \(try await alice.find(bobsName).peer.endpoint)")
try await alice.send("Hello Bob!", to: bobsName)
for await event in bob.events {
  guard case .message(let from, let text, _) = event else { continue }
  print("\(from): \(text)")
  break
}
try await bob.send("Hello Alice!", to: alicesName)
for await event in alice.events {
  guard case .message(let from, let text, _) = event else { continue }
  print("\(from): \(text)")
  break
}
await alice.leave()
await bob.leave()
