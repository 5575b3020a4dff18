// The same strategy as a shared object, for `tezi replay day.pcap --strategy-library ./joiner.so`:
//
//   c++ -std=c++17 -O2 -fPIC -shared -Iengine/capi/include examples/cpp/plugin.cpp -o joiner.so
#include "joiner.hpp"

TEZI_EXPORT([](const std::string &parameters) { return std::make_unique<Joiner>(parameters); })
