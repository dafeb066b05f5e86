// An echo server on SwiftNIO, on one thread as the others: what came in one read leaves in one flush. Prints where it listens as a line
// of JSON, and ends by itself after so many seconds.
//
//   NIOEcho [SECONDS]

import Glibc
import NIOCore
import NIOPosix

final class Echo: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }
  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@main
struct NIOEcho {
  static func main() throws {
    alarm(CommandLine.arguments.dropFirst().first.flatMap(UInt32.init) ?? 120)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel = try ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 511)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
      }
      .childChannelOption(.socketOption(.init(rawValue: TCP_NODELAY)), value: 1)
      .bind(host: "127.0.0.1", port: 0).wait()
    print("{\"address\":\"127.0.0.1:\(channel.localAddress?.port ?? 0)\",\"version\":\"SwiftNIO\"}")
    fflush(nil)
    try channel.closeFuture.wait()
  }
}
