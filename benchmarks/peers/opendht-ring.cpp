// OpenDHT: N nodes in one process over UDP on loopback. Values are put under random keys by random nodes, one after the other, and
// each is looked for by another random node. One line of JSON.
//
//   opendht-ring NODES OPERATIONS [SECONDS]
//
// Rate limits are off, since all nodes have one address here. A put has ended when OpenDHT says so, a get when the value is there.
// The ring is half a minute old when it is measured, as ours is.

#include <opendht.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

using Clock = std::chrono::steady_clock;

static double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Nearest rank.
static double percentile(std::vector<double> values, double share) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  size_t rank = (size_t)std::ceil(share * values.size());
  return values[std::min(std::max<size_t>(rank, 1), values.size()) - 1];
}

int main(int count, char **arguments) {
  if (count < 3) return fprintf(stderr, "opendht-ring NODES OPERATIONS [SECONDS]\n"), 64;
  const unsigned nodes = atoi(arguments[1]), operations = atoi(arguments[2]);
  alarm(count > 3 ? atoi(arguments[3]) : 120);

  const auto born = Clock::now();
  auto begin = born;
  std::vector<std::unique_ptr<dht::DhtRunner>> ring;
  for (unsigned index = 0; index < nodes; index++) {
    dht::DhtRunner::Config config;
    config.dht_config.node_config.max_req_per_sec = -1;
    config.dht_config.node_config.max_peer_req_per_sec = -1;
    config.threaded = true;
    auto node = std::make_unique<dht::DhtRunner>();
    node->run("127.0.0.1", "", "0", config);
    if (index > 0) node->bootstrap("127.0.0.1", std::to_string(ring[0]->getBoundPort()));
    ring.push_back(std::move(node));
  }
  // It stands when every node knows three good ones (in a ring of 16 some never know more until they are used), which takes five seconds;
  // then each puts one value, so that what is measured meets tables that have been used.
  const unsigned wanted = std::min(nodes - 1, 3u);
  for (;;) {
    unsigned ready = 0;
    for (auto &node : ring) {
      unsigned good = 0, dubious = 0, cached = 0, incoming = 0;
      node->getNodesStats(AF_INET, &good, &dubious, &cached, &incoming);
      if (good >= wanted) ready++;
    }
    if (ready == nodes) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  double start = since(begin) / 1000;

  std::mt19937_64 chance(std::random_device{}());
  std::vector<double> puts, gets;
  unsigned failed = 0;
  const std::vector<uint8_t> bytes(350, 'x');  // about the length of a record of ours
  for (auto &node : ring) {
    auto stored = std::make_shared<std::promise<void>>();
    node->put(dht::InfoHash::getRandom(chance), std::make_shared<dht::Value>(bytes), [stored](bool) { stored->set_value(); });
    stored->get_future().get();
  }
  std::this_thread::sleep_until(born + std::chrono::seconds(30));
  for (unsigned operation = 0; operation < operations; operation++) {
    auto key = dht::InfoHash::getRandom(chance);
    auto writer = chance() % nodes, reader = (writer + 1 + chance() % (nodes - 1)) % nodes;

    auto stored = std::make_shared<std::promise<bool>>();
    begin = Clock::now();
    ring[writer]->put(key, std::make_shared<dht::Value>(bytes), [stored](bool ok) { stored->set_value(ok); });
    if (stored->get_future().get()) puts.push_back(since(begin)); else failed++;

    auto found = std::make_shared<std::promise<bool>>();
    auto isAnswered = std::make_shared<std::atomic_bool>(false);
    begin = Clock::now();
    ring[reader]->get(
        key,
        [found, isAnswered](const std::vector<std::shared_ptr<dht::Value>> &values) {
          if (!values.empty() && !isAnswered->exchange(true)) found->set_value(true);
          return false;
        },
        [found, isAnswered](bool) { if (!isAnswered->exchange(true)) found->set_value(false); });
    if (found->get_future().get()) gets.push_back(since(begin)); else failed++;
  }

  printf("{\"nodes\":%u,\"operations\":%u,\"failed\":%u,\"start_s\":%.3f,\"put_p50_ms\":%.4f,\"put_p99_ms\":%.4f,"
         "\"get_p50_ms\":%.4f,\"get_p99_ms\":%.4f,\"version\":\"OpenDHT %s\"}\n",
         nodes, operations, failed, start, percentile(puts, 0.5), percentile(puts, 0.99), percentile(gets, 0.5),
         percentile(gets, 0.99), dht::version());
  fflush(stdout);
  _exit(0);  // to shut them down in order takes longer than to measure them
}
