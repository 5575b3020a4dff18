// The host in a C++ program. Build it beside the library (`cargo build --release -p tezi-capi`):
//
//   c++ -std=c++17 -Iengine/capi/include examples/cpp/embed.cpp
//       -Ltarget/release -ltezi_capi -Wl,-rpath,target/release -o embed      (one line)
//   ./embed day.pcap journals/embedded "token=35001 lots=1"
#include <cstdio>
#include <memory>

#include "joiner.hpp"

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: embed CAPTURE JOURNAL PARAMETERS\n");
    return 2;
  }
  tezi_host *host = tezi_host_new();
  tezi_strategy strategy{};
  try {
    strategy = tezi::wrap(std::make_unique<Joiner>(argv[3]));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  tezi_host_limit(host, "loss_max", 100'000);
  tezi_host_journal(host, argv[2]);
  tezi_report report{};
  const char *files[] = {argv[1]};
  if (tezi_host_run_captures(host, files, 1, &strategy, &report) != TEZI_OK) {
    std::fprintf(stderr, "%s\n", tezi_host_error(host));
    return 1;
  }
  std::printf("%llu events, %llu orders, %llu fills, profit %.2f, state %016llx\n",
              static_cast<unsigned long long>(report.events),
              static_cast<unsigned long long>(report.orders),
              static_cast<unsigned long long>(report.fills), report.profit,
              static_cast<unsigned long long>(report.state_hash));
  // The same code decides the same from the journal alone.
  strategy = tezi::wrap(std::make_unique<Joiner>(argv[3]));
  std::uint64_t hash = 0;
  const bool agrees = tezi_replay_journal(host, argv[2], &strategy, &hash) == TEZI_OK &&
                      hash == report.state_hash;
  std::printf("the journal replays to %s\n", agrees ? "the same state" : "ANOTHER STATE");
  tezi_host_free(host);
  return agrees ? 0 : 1;
}
