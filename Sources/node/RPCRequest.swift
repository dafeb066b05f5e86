// One line of input as a JSON-RPC 2.0 request (https://www.jsonrpc.org/specification).
//
//     {"jsonrpc":"2.0","id":7,"method":"send","params":{"user":"bob#…","text":"…"}}
//
// Without an id it is a notification and gets no answer. Decided here, where the specification leaves room: a batch (an array)
// is not taken, since a line already is one, and is answered -32600; parameters are given by name; members and parameters that
// we do not know are ignored; an empty line is no JSON text and is answered like any other that is none.

import NodeKit

/// An error as a JSON-RPC response carries it.
struct RPCError: Error, Equatable {
  var code: Int
  var message: String
  /// For our own errors: `data.reason`.
  var reason: String?

  static func parse(_ message: String) -> RPCError { RPCError(code: -32700, message: message) }
  static func invalidRequest(_ message: String) -> RPCError { RPCError(code: -32600, message: message) }
  static func unknownMethod(_ message: String) -> RPCError { RPCError(code: -32601, message: message) }
  static func invalidParameters(_ message: String) -> RPCError { RPCError(code: -32602, message: message) }

  /// What the node could not do.
  static func failure(_ failure: NodeFailure) -> RPCError {
    let reason =
      switch failure {
      case .userNotFound, .unreachable, .noSession, .messageTooLarge, .notInRing, .timeout, .busy, .notAccepted:
        failure.rawValue
      case .stopped: NodeFailure.notInRing.rawValue
      case .emptyText, .oneself, .noUser: ""
      }
    guard !reason.isEmpty else { return .invalidParameters(failure.description) }
    return RPCError(code: -32000, message: failure.description, reason: reason)
  }

  /// The `error` member of a response.
  var json: JSON {
    guard let reason else { return ["code": .integer(code), "message": .string(message)] }
    return ["code": .integer(code), "message": .string(message), "data": ["reason": .string(reason)]]
  }
}

/// One well-formed request.
struct RPCRequest: Equatable {
  /// A string, a number or null, to be given back as it came; nil for a notification.
  var id: JSON?
  var method: String
  var params: JSON?

  /// Why a line is no request, and the id to answer with.
  struct Rejection: Error, Equatable {
    var id: JSON
    var error: RPCError
  }

  /// Understands a line.
  static func parse(_ line: [UInt8]) throws(Rejection) -> RPCRequest {
    let json: JSON
    do throws(JSONReader.Failure) {
      json = try JSONReader.read(line)
    } catch {
      throw Rejection(id: .null, error: .parse(error.text))
    }
    guard case .object = json else {
      throw Rejection(id: .null, error: .invalidRequest("a request is one JSON object on a line; there are no batches"))
    }
    let id = json["id"]
    switch id {
    case nil, .null, .number, .string: break
    case .bool, .brokenString, .array, .object:
      throw Rejection(id: .null, error: .invalidRequest("an id is a string, a number or null"))
    }
    guard json["jsonrpc"] == "2.0" else {
      throw Rejection(id: id ?? .null, error: .invalidRequest("the member \"jsonrpc\" must be \"2.0\""))
    }
    guard let method = json["method"]?.text else {
      throw Rejection(id: id ?? .null, error: .invalidRequest("the member \"method\" must be a string"))
    }
    return RPCRequest(id: id, method: method, params: json["params"])
  }
}

// MARK: - Parameters

extension RPCRequest {
  /// The parameter of that name as a text.
  func text(_ name: String) throws(RPCError) -> String {
    switch params {
    case nil: throw .invalidParameters("the parameter \"\(name)\" is missing")
    case .object:
      switch params?[name] {
      case .string(let text): return text
      case .brokenString:
        throw .invalidParameters("the parameter \"\(name)\" holds half a surrogate pair and is no text")
      case nil: throw .invalidParameters("the parameter \"\(name)\" is missing")
      case .null, .bool, .number, .array, .object:
        throw .invalidParameters("the parameter \"\(name)\" must be a string")
      }
    case .null, .bool, .number, .string, .brokenString, .array:
      throw .invalidParameters("parameters are given by name, in an object")
    }
  }

  /// The parameter `user`.
  func user() throws(RPCError) -> User {
    let text = try text("user")
    do throws(Mistake) {
      return try Written.user(text)
    } catch {
      throw .invalidParameters("the parameter \"user\" is no user: \(error)")
    }
  }

  /// The parameter `key`.
  func key() throws(RPCError) -> Identifier {
    guard let key = Identifier(try text("key")) else {
      throw .invalidParameters("the parameter \"key\" must be 40 hexadecimal digits")
    }
    return key
  }

  /// Nothing is asked of a method without parameters but that they be of a form that JSON-RPC allows.
  func noParameters() throws(RPCError) {
    switch params {
    case nil, .null, .object, .array: return
    case .bool, .number, .string, .brokenString: throw .invalidParameters("parameters are given in an object")
    }
  }
}
