// What can happen to a host, each thing at its moment (Schedule.swift).

import Chat
import Chord

extension Simulator {
  enum Happening {
    case event(Engine.Event)
    case tick
    /// Something arrives on a connection from this host.
    case carried(Item, on: LinkRules.Number, from: Int)
    /// A dial to a host has succeeded or failed.
    case dialled(Int, at: Endpoint, LinkRules.Number)
    /// So has one that was to see who is there; without a number if that was known.
    case introduced(Int, by: LinkRules.Number?)
    /// A connection, or a dial, that has come to nothing is closed.
    case closed(LinkRules.Number)
    /// The host's kernel learns that a connection is no more.
    case broken(LinkRules.Number)
    /// It looks whether the other end of a connection has been silent for too long.
    case silence(LinkRules.Number, cut: Int)
    /// The node does.
    case patience(LinkRules.Number)
    /// The node looks which links are idle.
    case sweep
    case wake
    /// A puppet says something.
    case line(Message, to: Int)
  }

  struct Scheduled {
    var host: Int
    /// Of which life of the host this is.
    var life: Int
    var happening: Happening
  }

  /// What goes over a connection.
  enum Item {
    /// The dialler has proved who it is.
    case hello
    /// With the last loss that its sender was told of, if promises are checked.
    case frame([UInt8], loss: Loss)
    case goodbye(Goodbye)
    case ping, pong
    /// Nothing more comes.
    case end
  }
}
