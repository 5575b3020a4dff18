// A strategy in C++: joins the best bid of one future with one lot, cancels when the market moves away,
// and gives what it bought to the next bid. Parameters: `token=35001 lots=1`.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include <tezi.hpp>

class Joiner : public tezi::Strategy {
public:
  explicit Joiner(const std::string &parameters) : parameters_(parameters) {
    std::istringstream words(parameters);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      const std::string key = word.substr(0, equals);
      if (equals == std::string::npos || (key != "token" && key != "lots"))
        throw std::invalid_argument("joiner has token=NUMBER and lots=NUMBER, not " + word);
      (key == "token" ? token_ : lots_) = std::stoul(word.substr(equals + 1));
    }
  }

  const char *name() const override { return "cpp-joiner"; }
  std::string parameters() const override { return parameters_; }

  void on_book(tezi::Context &market, const tezi_book_update &update) override {
    if (!update.touch_changed || !is_mine(market, update.instrument)) return;
    const auto bid = market.touch(update.instrument, tezi::Side::buy);
    const auto ask = market.touch(update.instrument, tezi::Side::sell);
    if (!bid || !ask || bid->price >= ask->price || market.is_stale(update.instrument)) return;
    const auto order = order_ ? market.order(*order_) : std::nullopt;
    if (order && order->status < TEZI_FILLED) {
      // One change at a time: nothing while an answer is awaited.
      const bool rests = order->status == TEZI_NEW || order->status == TEZI_PARTIALLY_FILLED;
      if (rests && order->side == TEZI_BUY && order->price != bid->price) market.cancel(order->id);
      return;
    }
    const bool is_long = market.position(update.instrument).net > 0;
    const auto side = is_long ? tezi::Side::sell : tezi::Side::buy;
    const auto when = static_cast<std::uint8_t>(is_long ? TEZI_IOC : TEZI_DAY);
    order_ = market.submit(update.instrument, side, bid->price, lots_ * lot_, when);
  }

  // `tezi ctl set lots=2`: from the next order on.
  std::int32_t set_parameter(tezi::Context &, const std::string &key,
                             const std::string &value) override {
    if (key != "lots") return TEZI_NONE;
    const unsigned long lots = std::stoul(value);  // what is no number throws, and is refused
    if (lots == 0 || lots > 100) return TEZI_INVALID;
    lots_ = static_cast<std::uint32_t>(lots);
    return TEZI_OK;
  }

  void on_fill(tezi::Context &, const tezi_fill &fill) override { traded_ += fill.quantity; }

  std::uint64_t traded() const { return traded_; }

private:
  bool is_mine(tezi::Context &market, std::uint32_t instrument) {
    if (!instrument_) {
      const auto definition = market.instrument(instrument);
      if (!definition || (token_ != 0 && definition->token != token_)) return false;
      instrument_ = instrument;
      lot_ = definition->lot == 0 ? 1 : definition->lot;
    }
    return *instrument_ == instrument;
  }

  std::string parameters_;
  std::uint32_t token_ = 0;  // 0: the first future or option seen
  std::uint32_t lots_ = 1;
  std::uint32_t lot_ = 1;
  std::optional<std::uint32_t> instrument_;
  std::optional<std::uint64_t> order_;
  std::uint64_t traded_ = 0;
};
