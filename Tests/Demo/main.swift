// `make demo`: the shortest story that shows what this is. Three bootstrap nodes, two people, a conversation, a death in the
// family, and the conversation goes on. All of them are real processes on this machine. Exits 0 only if every message arrived.

import Foundation
import Processes

/// Prints a line at once, also into a pipe.
func tell(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The name without the id, as people call each other.
func name(_ user: String) -> Substring { user.prefix { $0 != "#" } }

/// Says something to the other and waits until the other has heard exactly that.
func say(_ text: String, from speaker: NodeProcess, to listener: NodeProcess) throws {
  let (from, to) = (try speaker.user(), try listener.user())
  try speaker.send(text, to: to)
  let heard = try listener.nextText(from: from)
  guard Array(heard.utf8) == Array(text.utf8) else {
    throw ProcessError("\(name(to)) heard “\(heard)” instead of “\(text)”")
  }
  tell("    \(name(from)) → \(name(to)): \(text)")
}

/// Finds the other and tells how that went.
func find(_ other: NodeProcess, by seeker: NodeProcess) throws {
  let found = try seeker.request("find", ["user": .string(try other.user())])
  guard found["node"]?.string == (try other.node()), let address = found["address"]?.string,
    let hops = found["hops"]?.integer,
    let milliseconds = found["milliseconds"]?.double
  else { throw ProcessError("found somebody else: \(found)") }
  let time = String(format: "%.2f", milliseconds)
  tell(
    "    \(name(try seeker.user())) finds \(name(try other.user())) at \(address), \(hops) hop\(hops == 1 ? "" : "s"), \(time) ms"
  )
}

func demo() throws {
  tell("Three bootstrap nodes start:")
  let fleet = try Fleet(bootstraps: 3)
  for address in fleet.addresses { tell("    \(address)") }
  try fleet.settle()
  tell("They have found each other and stand in one ring.\n")

  tell("Alice and Bob start, each in a process of their own:")
  let alice = try fleet.startChat("alice")
  let bob = try fleet.startChat("bob")
  for person in [alice, bob] {
    let ready = try person.readiness()
    let time = Int(person.started.duration(to: ready.arrived).milliseconds.rounded())
    tell("    \(try person.user()) is ready after \(time) ms")
  }

  tell("\nThey talk. There is no server: the ring only tells where the other is.")
  try find(bob, by: alice)
  try say("Hello Bob, can you hear me?", from: alice, to: bob)
  try say("Loud and clear! 🦊 שלום, 你好.", from: bob, to: alice)

  tell("\nA bootstrap node is killed (SIGKILL): \(fleet.addresses[0])")
  fleet.kill([fleet.bootstraps[0]])

  tell("They go on talking, and find each other again:")
  try say("Did you notice anything?", from: alice, to: bob)
  try say("No. Should I have?", from: bob, to: alice)
  try fleet.settle()
  try find(alice, by: bob)
  try find(bob, by: alice)

  tell("\nA newcomer joins through the bootstrap nodes that are left:")
  let carol = try fleet.startChat("carol")
  try carol.waitUntilReady()
  try find(alice, by: carol)
  try say("Hi Alice, it's Carol. Am I late?", from: carol, to: alice)
  try say("Not at all.", from: alice, to: carol)

  tell("\nBob quits. His record is gone from the ring at once:")
  let bobsName = try bob.user()
  try bob.quit()
  fleet.forget(bob)
  guard try alice.refusal(of: "find", ["user": .string(bobsName)])?.reason == "user_not_found" else {
    throw ProcessError("Bob can still be found")
  }
  tell("    alice does not find bob any more")

  try fleet.quit()
  tell("\nEvery message has arrived.")
}

do {
  try demo()
} catch {
  tell("\nThe demo has failed: \(error)")
  exit(1)
}
