// Whoever imports NodeKit has the words to talk to it with: users and names, identifiers and addresses, the loop.

@_exported import Chat
@_exported import Chord
@_exported import UVRuntime
