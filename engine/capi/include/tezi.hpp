// Tezi from C++17: a strategy as a class. See tezi.h.
#ifndef TEZI_HPP
#define TEZI_HPP

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "tezi.h"

namespace tezi {

enum class Side : std::uint32_t { buy = TEZI_BUY, sell = TEZI_SELL };

// What a strategy sees and does during one call.
class Context {
public:
  explicit Context(tezi_context *raw) : raw_(raw) {}

  std::int64_t now() const { return raw_->calls->now(raw_); }
  std::int64_t exchange_time() const { return raw_->calls->exchange_time(raw_); }
  std::uint32_t instruments() const { return raw_->calls->instruments(raw_); }

  std::optional<tezi_instrument> instrument(std::uint32_t id) const {
    tezi_instrument out{};
    return found(raw_->calls->instrument(raw_, id, &out), out);
  }
  std::optional<tezi_level> touch(std::uint32_t id, Side side) const {
    tezi_level out{};
    return found(raw_->calls->touch(raw_, id, static_cast<std::uint32_t>(side), &out), out);
  }
  std::optional<std::int64_t> last_trade(std::uint32_t id) const {
    std::int64_t out{};
    return found(raw_->calls->last_trade(raw_, id, &out), out);
  }
  std::optional<tezi_order> order(std::uint64_t id) const {
    tezi_order out{};
    return found(raw_->calls->order(raw_, id, &out), out);
  }
  std::size_t levels(std::uint32_t id, Side side, tezi_level *out, std::size_t max) const {
    return raw_->calls->levels(raw_, id, static_cast<std::uint32_t>(side), out, max);
  }
  std::size_t open_orders(tezi_order *out, std::size_t max) const {
    return raw_->calls->open_orders(raw_, out, max);
  }
  tezi_position position(std::uint32_t id) const {
    tezi_position out{};
    raw_->calls->position(raw_, id, &out);
    return out;
  }
  std::uint64_t volume(std::uint32_t id) const { return raw_->calls->volume(raw_, id); }
  bool is_stale(std::uint32_t id) const { return raw_->calls->is_stale(raw_, id) != 0; }
  double profit() const { return raw_->calls->profit(raw_); }

  // The order's number; without one, `refused` is the reason.
  std::optional<std::uint64_t> submit(std::uint32_t instrument, Side side, std::int64_t price,
                                      std::uint32_t quantity,
                                      std::uint8_t time_in_force = TEZI_DAY) {
    tezi_new_order order{};
    order.price = price;
    order.instrument = instrument;
    order.quantity = quantity;
    order.side = static_cast<std::uint8_t>(side);
    order.time_in_force = time_in_force;
    std::uint64_t id{};
    refused = raw_->calls->submit(raw_, &order, &id);
    return found(refused, id);
  }
  bool replace(std::uint64_t id, std::int64_t price, std::uint32_t quantity) {
    return (refused = raw_->calls->replace(raw_, id, price, quantity)) == TEZI_OK;
  }
  bool cancel(std::uint64_t id) { return (refused = raw_->calls->cancel(raw_, id)) == TEZI_OK; }
  std::optional<std::uint64_t> set_timer(std::int64_t at) {
    std::uint64_t timer{};
    refused = raw_->calls->set_timer(raw_, at, &timer);
    return found(refused, timer);
  }
  void kill() { raw_->calls->kill(raw_); }
  const char *reason(std::int32_t answer) const { return raw_->calls->reason(answer); }

  // Of the last request: TEZI_OK, or why it was refused.
  std::int32_t refused = TEZI_OK;

private:
  template <class T> static std::optional<T> found(std::int32_t answer, const T &value) {
    return answer == TEZI_OK ? std::optional<T>(value) : std::nullopt;
  }

  tezi_context *raw_;
};

// A strategy: override what is needed. An exception stops trading for good, and is said on stderr.
class Strategy {
public:
  virtual ~Strategy() = default;
  virtual const char *name() const = 0;
  virtual std::string parameters() const { return {}; }
  virtual void on_start(Context &) {}
  virtual void on_book(Context &, const tezi_book_update &) {}
  virtual void on_trade(Context &, const tezi_trade &) {}
  virtual void on_order(Context &, const tezi_order_update &) {}
  virtual void on_fill(Context &, const tezi_fill &) {}
  virtual void on_timer(Context &, std::uint64_t) {}
  virtual void on_feed(Context &, const tezi_feed_update &) {}
  virtual void on_status(Context &, const tezi_status_update &) {}
  virtual void on_session(Context &, bool) {}
  virtual void on_stop(Context &) {}
  virtual void on_trade_cancel(Context &, const tezi_trade_cancel &) {}
  virtual void on_index(Context &, const tezi_index_update &) {}
  virtual void on_fill_canceled(Context &, const tezi_fill &) {}
  virtual void on_control(Context &, const tezi_control &) {}
  virtual void on_active(Context &, bool) {}
  // TEZI_OK, TEZI_NONE for a parameter that does not change while it runs, or TEZI_INVALID. What throws
  // refuses the value, and is said on stderr.
  virtual std::int32_t set_parameter(Context &, const std::string &, const std::string &) {
    return TEZI_NONE;
  }
};

namespace detail {

struct Owned {
  std::unique_ptr<Strategy> strategy;
  std::string parameters;
};

template <class Call> void guarded(void *self, tezi_context *raw, Call call) noexcept {
  Context context(raw);
  Strategy &strategy = *static_cast<Owned *>(self)->strategy;
  try {
    call(strategy, context);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s stops trading: %s\n", strategy.name(), error.what());
    context.kill();
  } catch (...) {
    std::fprintf(stderr, "%s stops trading: unknown exception\n", strategy.name());
    context.kill();
  }
}

}  // namespace detail

// A strategy as the host takes it, which then owns it.
inline tezi_strategy wrap(std::unique_ptr<Strategy> strategy) {
  using detail::guarded;
  auto *owned = new detail::Owned{std::move(strategy), {}};
  owned->parameters = owned->strategy->parameters();
  tezi_strategy out{};
  out.abi = TEZI_ABI;
  out.size = sizeof out;
  out.self = owned;
  out.name = owned->strategy->name();
  out.parameters = owned->parameters.c_str();
  out.on_start = [](void *self, tezi_context *c) {
    guarded(self, c, [](Strategy &s, Context &x) { s.on_start(x); });
  };
  out.on_book = [](void *self, tezi_context *c, const tezi_book_update *update) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_book(x, *update); });
  };
  out.on_trade = [](void *self, tezi_context *c, const tezi_trade *trade) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_trade(x, *trade); });
  };
  out.on_order = [](void *self, tezi_context *c, const tezi_order_update *update) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_order(x, *update); });
  };
  out.on_fill = [](void *self, tezi_context *c, const tezi_fill *fill) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_fill(x, *fill); });
  };
  out.on_timer = [](void *self, tezi_context *c, std::uint64_t timer) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_timer(x, timer); });
  };
  out.on_feed = [](void *self, tezi_context *c, const tezi_feed_update *update) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_feed(x, *update); });
  };
  out.on_status = [](void *self, tezi_context *c, const tezi_status_update *update) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_status(x, *update); });
  };
  out.on_session = [](void *self, tezi_context *c, std::uint32_t is_live) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_session(x, is_live != 0); });
  };
  out.on_stop = [](void *self, tezi_context *c) {
    guarded(self, c, [](Strategy &s, Context &x) { s.on_stop(x); });
  };
  out.destroy = [](void *self) { delete static_cast<detail::Owned *>(self); };
  out.on_trade_cancel = [](void *self, tezi_context *c, const tezi_trade_cancel *cancel) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_trade_cancel(x, *cancel); });
  };
  out.on_index = [](void *self, tezi_context *c, const tezi_index_update *update) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_index(x, *update); });
  };
  out.on_fill_canceled = [](void *self, tezi_context *c, const tezi_fill *fill) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_fill_canceled(x, *fill); });
  };
  out.on_control = [](void *self, tezi_context *c, const tezi_control *control) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_control(x, *control); });
  };
  out.on_active = [](void *self, tezi_context *c, std::uint32_t is_active) {
    guarded(self, c, [&](Strategy &s, Context &x) { s.on_active(x, is_active != 0); });
  };
  out.set_parameter = [](void *self, tezi_context *c, const char *key,
                         const char *value) -> std::int32_t {
    Context context(c);
    Strategy &strategy = *static_cast<detail::Owned *>(self)->strategy;
    try {
      return strategy.set_parameter(context, key, value);
    } catch (const std::exception &error) {
      std::fprintf(stderr, "%s refuses %s=%s: %s\n", strategy.name(), key, value, error.what());
    } catch (...) {
      std::fprintf(stderr, "%s refuses %s=%s: unknown exception\n", strategy.name(), key, value);
    }
    return TEZI_INVALID;
  };
  return out;
}

// Hands a strategy to a host that may know less of it than this header does.
inline void give(tezi_strategy strategy, tezi_strategy *out) {
  const std::size_t room = out->size == 0 ? TEZI_STRATEGY_SIZE_1 : out->size;
  strategy.size = static_cast<std::uint32_t>(room < sizeof strategy ? room : sizeof strategy);
  std::memcpy(out, &strategy, strategy.size);
}

}  // namespace tezi

// Exports a strategy from a shared object: `make` takes the parameters' text and gives a
// std::unique_ptr<tezi::Strategy>, or throws what is wrong with them.
#define TEZI_EXPORT(make)                                                                          \
  extern "C" std::int32_t tezi_open(std::uint32_t abi, const char *parameters, tezi_strategy *out, \
                                    char *error, std::size_t error_size) {                         \
    if (abi != TEZI_ABI) {                                                                         \
      std::snprintf(error, error_size, "built for interface %u, the host has %u", TEZI_ABI, abi);  \
      return TEZI_INVALID;                                                                         \
    }                                                                                              \
    try {                                                                                          \
      tezi::give(tezi::wrap(make(std::string(parameters))), out);                                  \
      return TEZI_OK;                                                                              \
    } catch (const std::exception &what) {                                                         \
      std::snprintf(error, error_size, "%s", what.what());                                         \
      return TEZI_INVALID;                                                                         \
    } catch (...) {                                                                                \
      std::snprintf(error, error_size, "unknown exception");                                       \
      return TEZI_INVALID;                                                                         \
    }                                                                                              \
  }

#endif
