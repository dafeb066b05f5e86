// c-toxcore: a bootstrap node and two friends in one process and on one thread, over UDP on loopback. One line of JSON: from start
// to both seeing each other connected, echo round trips (polled as often as our loop would wake, and at Tox's own tick), messages a
// second one way.
//
//   tox-pair ECHOES MESSAGES [SECONDS]

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tox/tox.h>
#include <unistd.h>

enum { BOOTSTRAP, ALICE, BOB, COUNT };

static Tox *nodes[COUNT];
static bool is_connected[COUNT];
static unsigned received[COUNT];
static bool echoes;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void pause_for(double milliseconds) {
  struct timespec time = {(time_t)(milliseconds / 1e3), (long)(milliseconds * 1e6) % 1000000000};
  nanosleep(&time, NULL);
}

static void iterate(void) {
  for (long index = 0; index < COUNT; index++) tox_iterate(nodes[index], (void *)index);
}

static void status_changed(Tox *tox, uint32_t friend, TOX_CONNECTION status, void *who) {
  (void)tox, (void)friend;
  is_connected[(long)who] = status != TOX_CONNECTION_NONE;
}

static void message_came(
    Tox *tox, uint32_t friend, TOX_MESSAGE_TYPE type, const uint8_t *text, size_t length, void *who) {
  received[(long)who]++;
  if (echoes && (long)who == BOB) tox_friend_send_message(tox, friend, type, text, length, NULL);
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

// Nearest rank.
static double percentile(double *values, unsigned count, double share) {
  qsort(values, count, sizeof *values, by_size);
  unsigned rank = (unsigned)(share * count + 0.999999);
  return values[(rank < 1 ? 1 : rank) - 1];
}

static const uint8_t text[64] = "a text of 64 bytes";

static double echo(unsigned count, bool own_tick, double *p99) {
  double *trips = malloc(count * sizeof *trips);
  for (unsigned index = 0; index < count; index++) {
    unsigned before = received[ALICE];
    double begin = now();
    tox_friend_send_message(nodes[ALICE], 0, TOX_MESSAGE_TYPE_NORMAL, text, sizeof text, NULL);
    while (received[ALICE] == before) {
      iterate();
      if (received[ALICE] == before) pause_for(own_tick ? tox_iteration_interval(nodes[ALICE]) : 0.2);
    }
    trips[index] = now() - begin;
  }
  double median = percentile(trips, count, 0.5);
  if (p99) *p99 = percentile(trips, count, 0.99);
  free(trips);
  return median;
}

int main(int count, char **arguments) {
  if (count < 3) return fprintf(stderr, "tox-pair ECHOES MESSAGES [SECONDS]\n"), 64;
  unsigned round_trips = atoi(arguments[1]), messages = atoi(arguments[2]);
  alarm(count > 3 ? atoi(arguments[3]) : 120);

  double begin = now();
  for (long index = 0; index < COUNT; index++) {
    struct Tox_Options *options = tox_options_new(NULL);
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    tox_options_set_start_port(options, 33445);
    tox_options_set_end_port(options, 33645);
    nodes[index] = tox_new(options, NULL);
    tox_options_free(options);
    if (!nodes[index]) return fprintf(stderr, "tox-pair: no node to be had\n"), 70;
    tox_callback_friend_connection_status(nodes[index], status_changed);
    tox_callback_friend_message(nodes[index], message_came);
  }
  uint8_t key[TOX_PUBLIC_KEY_SIZE];
  tox_self_get_dht_id(nodes[BOOTSTRAP], key);
  uint16_t port = tox_self_get_udp_port(nodes[BOOTSTRAP], NULL);
  for (int index = ALICE; index <= BOB; index++) tox_bootstrap(nodes[index], "127.0.0.1", port, key, NULL);
  tox_self_get_public_key(nodes[BOB], key);
  tox_friend_add_norequest(nodes[ALICE], key, NULL);
  tox_self_get_public_key(nodes[ALICE], key);
  tox_friend_add_norequest(nodes[BOB], key, NULL);
  while (!is_connected[ALICE] || !is_connected[BOB]) {
    iterate();
    pause_for(1);
  }
  double connected = now() - begin;

  echoes = true;
  echo(20, false, NULL);
  double p99, polled = echo(round_trips, false, &p99);
  double ticked = echo(round_trips < 40 ? round_trips : 40, true, NULL);
  echoes = false;

  // With its queue kept full Tox slows down to a tenth; of 16, 64 and 256 under way 64 went fastest.
  const unsigned window = 64;
  unsigned before = received[BOB], sent = 0;
  begin = now();
  while (received[BOB] - before < messages) {
    while (sent < messages && sent - (received[BOB] - before) < window
           && tox_friend_send_message(nodes[ALICE], 0, TOX_MESSAGE_TYPE_NORMAL, text, sizeof text, NULL) != 0) sent++;
    iterate();
  }
  double seconds = (now() - begin) / 1e3;

  printf("{\"connected_ms\":%.1f,\"echo_p50_ms\":%.4f,\"echo_p99_ms\":%.4f,\"echo_own_tick_p50_ms\":%.3f,"
         "\"texts_per_second\":%.0f,\"texts\":%u,\"bytes\":%zu,\"version\":\"c-toxcore %u.%u.%u\"}\n",
         connected, polled, p99, ticked, messages / seconds, messages, sizeof text, tox_version_major(),
         tox_version_minor(), tox_version_patch());
  return 0;
}
