// An echo server in C on libuv: what our runtime is measured against.
//
// Written for speed, in the way ours works too: one read buffer for all connections, an answer tried at once with one system call,
// only the remainder queued (and copied), Nagle's delay off. Prints where it listens as a line of JSON, and ends by itself after so
// many seconds.
//
//   uv-echo [SECONDS]

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static char lent[65536];

typedef struct {
  uv_write_t request;
  char bytes[];
} Remainder;

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)handle, (void)suggested;
  *buffer = uv_buf_init(lent, sizeof lent);
}

static void gone(uv_handle_t *handle) { free(handle); }

static void give_up(uv_stream_t *stream) {
  if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, gone);
}

static void written(uv_write_t *request, int status) {
  if (status < 0) give_up(request->handle);
  free(request);
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  if (count < 0) return give_up(stream);
  uv_buf_t rest = uv_buf_init(buffer->base, (unsigned)count);
  // While something is queued the order is kept by queueing behind it; libuv says EAGAIN then.
  int taken = uv_try_write(stream, &rest, 1);
  if (taken < 0 && taken != UV_EAGAIN) return give_up(stream);
  if (taken < 0) taken = 0;
  if (taken == count) return;
  size_t left = (size_t)(count - taken);
  Remainder *remainder = malloc(sizeof *remainder + left);
  if (!remainder) return give_up(stream);
  memcpy(remainder->bytes, buffer->base + taken, left);
  rest = uv_buf_init(remainder->bytes, (unsigned)left);
  if (uv_write(&remainder->request, stream, &rest, 1, written) < 0) {
    free(remainder);
    give_up(stream);
  }
}

static void connected(uv_stream_t *server, int status) {
  if (status < 0) return;
  uv_tcp_t *client = malloc(sizeof *client);
  if (!client) return;
  uv_tcp_init(server->loop, client);
  if (uv_accept(server, (uv_stream_t *)client) < 0) return give_up((uv_stream_t *)client);
  uv_tcp_nodelay(client, 1);
  uv_read_start((uv_stream_t *)client, lend, received);
}

int main(int count, char **arguments) {
  alarm(count > 1 ? (unsigned)atoi(arguments[1]) : 120);
  uv_loop_t *loop = uv_default_loop();
  uv_tcp_t server;
  struct sockaddr_in address;
  uv_tcp_init(loop, &server);
  uv_ip4_addr("127.0.0.1", 0, &address);
  int error = uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
  if (!error) error = uv_listen((uv_stream_t *)&server, 511, connected);
  int length = sizeof address;
  if (!error) error = uv_tcp_getsockname(&server, (struct sockaddr *)&address, &length);
  if (error) {
    fprintf(stderr, "uv-echo: %s\n", uv_strerror(error));
    return 74;
  }
  printf("{\"address\":\"127.0.0.1:%d\",\"version\":\"libuv %s\"}\n", ntohs(address.sin_port), uv_version_string());
  fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
