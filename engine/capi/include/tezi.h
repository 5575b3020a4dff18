/* Tezi from C and C++: run the host in your process, or be a strategy that the host loads.
 *
 * A strategy is a struct of functions. The host calls them one at a time, on the core's thread; while a
 * call lasts its context says what the market and the own orders are, and takes orders. What the
 * functions decide from that alone replays exactly: no clock, no chance, no waiting.
 *
 * Prices are whole numbers of 10^-8 of the currency unit (TEZI_RUPEE is one rupee), quantities units of the
 * instrument, times nanoseconds since the UNIX epoch, UTC. Instruments have small numbers, from 0.
 *
 * Nothing here throws, and nothing may be thrown through it: an exception that leaves a function of a
 * strategy ends the process. tezi.hpp catches them.
 */
#ifndef TEZI_H
#define TEZI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. It changes when a struct or the meaning of a function does; functions
 * are added at the ends of structs, whose sizes say which are there. */
#define TEZI_ABI 1u

#define TEZI_RUPEE INT64_C(100000000)

enum tezi_side { TEZI_BUY = 0, TEZI_SELL = 1 };

enum tezi_time_in_force { TEZI_DAY = 0, TEZI_IOC = 1 };

/* FIX OrdStatus (tag 39), with the pending states of tag 150. */
enum tezi_order_status {
  TEZI_PENDING_NEW = 1,
  TEZI_NEW = 2,
  TEZI_PARTIALLY_FILLED = 3,
  TEZI_PENDING_REPLACE = 4,
  TEZI_PENDING_CANCEL = 5,
  TEZI_FILLED = 6,
  TEZI_CANCELED = 7,
  TEZI_REJECTED = 8
};

enum tezi_trading_status {
  TEZI_UNKNOWN = 0,
  TEZI_PRE_OPEN = 1,
  TEZI_OPEN = 2,
  TEZI_HALTED = 3,
  TEZI_AUCTION = 4,
  TEZI_CLOSED = 5
};

enum tezi_feed_fault {
  TEZI_FEED_STALE = 1,    /* messages are missing and being recovered: books may be behind */
  TEZI_FEED_WHOLE = 2,    /* books are right again */
  TEZI_FEED_SNAPSHOT = 3, /* an image replaces the books; they are right when whole again */
  TEZI_FEED_GAP = 4,      /* messages first..last are lost for good */
  TEZI_FEED_RESET = 5     /* the stream began again, books start empty */
};

/* What functions answer beside reasons of refusal, which are positive. */
enum tezi_answer {
  TEZI_OK = 0,
  TEZI_NONE = -1,    /* there is no such thing */
  TEZI_INVALID = -2, /* an argument cannot be */
  TEZI_FAILED = -3   /* tezi_host_error says why */
};

typedef struct tezi_instrument {
  char symbol[16]; /* padded with zero bytes, which a name of 16 letters has none of */
  int64_t expiry;
  int64_t strike;
  int64_t tick;
  int64_t price_low;
  int64_t price_high;
  uint32_t token;
  uint32_t lot;
  uint32_t freeze_quantity;
  uint8_t segment; /* 1 NSE F&O, 2 NSE CM, 3 NSE CD, 4 NSE CO, 5-7 BSE, 8 NASDAQ, 9 CME */
  uint8_t kind;
  uint8_t option; /* 0 no option, 1 call, 2 put */
  uint8_t reserved;
} tezi_instrument;

typedef struct tezi_level {
  int64_t price;
  uint64_t quantity;
  uint32_t orders;
  uint32_t reserved;
} tezi_level;

typedef struct tezi_order {
  uint64_t order_id; /* the venue's number, 0 before it is confirmed */
  uint64_t id;       /* the engine's number */
  int64_t price;     /* as confirmed; as sent, before that */
  uint32_t instrument;
  uint32_t quantity; /* in all, what is filled included */
  uint32_t filled;
  uint8_t side;
  uint8_t time_in_force;
  uint8_t status;
  uint8_t reserved[5];
} tezi_order;

typedef struct tezi_new_order {
  int64_t price;
  uint32_t instrument;
  uint32_t quantity;
  uint8_t side;
  uint8_t time_in_force;
  uint8_t reserved[6]; /* zero */
} tezi_new_order;

typedef struct tezi_position {
  int64_t net;       /* units: positive long, negative short */
  double cost;       /* of the units held, in rupees */
  double realised;   /* in rupees, before charges */
  double unrealised; /* in rupees, at the last mark */
} tezi_position;

typedef struct tezi_book_update {
  uint32_t instrument;
  uint32_t touch_changed;
} tezi_book_update;

typedef struct tezi_trade {
  int64_t price;
  int64_t exchange_time;
  uint32_t instrument;
  uint32_t quantity;
} tezi_trade;

typedef struct tezi_fill {
  uint64_t id;
  int64_t price;
  uint32_t instrument;
  uint32_t quantity;
  uint8_t side;
  uint8_t is_passive;
  uint8_t reserved[6];
} tezi_fill;

typedef struct tezi_order_update {
  tezi_order order;
  uint8_t status_before;
  uint8_t reserved[7];
} tezi_order_update;

typedef struct tezi_feed_update {
  uint32_t stream;
  uint32_t fault;
  uint32_t first; /* sequence numbers, of TEZI_FEED_STALE and TEZI_FEED_GAP */
  uint32_t last;  /* of TEZI_FEED_GAP */
} tezi_feed_update;

typedef struct tezi_status_update {
  int64_t exchange_time;
  uint32_t instrument; /* UINT32_MAX: the whole segment */
  uint8_t segment;
  uint8_t status;
  uint8_t reserved[2];
} tezi_status_update;

typedef struct tezi_trade_cancel {
  int64_t price; /* of the trade that the exchange took back */
  int64_t exchange_time;
  uint64_t buy_order_id; /* 0 when it was never shown */
  uint64_t sell_order_id;
  uint32_t instrument;
  uint32_t quantity;
} tezi_trade_cancel;

typedef struct tezi_index_update {
  int64_t value; /* in the unit of prices */
  int64_t exchange_time;
  uint32_t instrument;
  uint32_t reserved;
} tezi_index_update;

/* What an operator did, as a CONTROL record of the journal has it (docs/wire/session.md, record type 9). */
typedef struct tezi_control {
  int64_t first;       /* value of a limit, low end of a range, basis points */
  int64_t second;      /* high end of a range; number of a strategy */
  uint32_t instrument; /* UINT32_MAX: all */
  uint16_t kind;       /* 1 pause, 2 resume, 3 cancel, 4 flatten, 5 kill, 6 release, 7 limit, ... */
  uint16_t detail;     /* code of a limit, a restriction or a cause */
} tezi_control;

/* Who calls a strategy lends it this for the length of the call. */
typedef struct tezi_context tezi_context;

typedef struct tezi_calls {
  uint32_t abi;
  uint32_t size;
  int64_t (*now)(const tezi_context *context);
  int64_t (*exchange_time)(const tezi_context *context);
  uint32_t (*instruments)(const tezi_context *context);
  int32_t (*instrument)(const tezi_context *context, uint32_t instrument, tezi_instrument *out);
  int32_t (*touch)(const tezi_context *context, uint32_t instrument, uint32_t side, tezi_level *out);
  size_t (*levels)(const tezi_context *context, uint32_t instrument, uint32_t side, tezi_level *out,
                   size_t max);
  int32_t (*last_trade)(const tezi_context *context, uint32_t instrument, int64_t *price);
  uint64_t (*volume)(const tezi_context *context, uint32_t instrument);
  uint32_t (*is_stale)(const tezi_context *context, uint32_t instrument);
  uint32_t (*status)(const tezi_context *context, uint32_t instrument);
  void (*position)(const tezi_context *context, uint32_t instrument, tezi_position *out);
  double (*profit)(const tezi_context *context);
  int32_t (*stopped)(const tezi_context *context);
  int32_t (*order)(const tezi_context *context, uint64_t id, tezi_order *out);
  size_t (*open_orders)(const tezi_context *context, tezi_order *out, size_t max);
  int32_t (*submit)(tezi_context *context, const tezi_new_order *order, uint64_t *id);
  int32_t (*replace)(tezi_context *context, uint64_t id, int64_t price, uint32_t quantity);
  int32_t (*cancel)(tezi_context *context, uint64_t id);
  int32_t (*set_timer)(tezi_context *context, int64_t at, uint64_t *timer);
  void (*kill)(tezi_context *context);
  const char *(*reason)(int32_t answer);
} tezi_calls;

struct tezi_context {
  const tezi_calls *calls;
};

/* A strategy. Functions that are null are not called. */
typedef struct tezi_strategy {
  uint32_t abi;           /* TEZI_ABI */
  uint32_t size;          /* sizeof(tezi_strategy) */
  void *self;             /* handed to every function */
  const char *name;       /* of reports and journals; lives as long as the strategy */
  const char *parameters; /* `key=value` words for the journal; may be null */
  void (*on_start)(void *self, tezi_context *context);
  void (*on_book)(void *self, tezi_context *context, const tezi_book_update *update);
  void (*on_trade)(void *self, tezi_context *context, const tezi_trade *trade);
  void (*on_order)(void *self, tezi_context *context, const tezi_order_update *update);
  void (*on_fill)(void *self, tezi_context *context, const tezi_fill *fill);
  void (*on_timer)(void *self, tezi_context *context, uint64_t timer);
  void (*on_feed)(void *self, tezi_context *context, const tezi_feed_update *update);
  void (*on_status)(void *self, tezi_context *context, const tezi_status_update *update);
  void (*on_session)(void *self, tezi_context *context, uint32_t is_live);
  void (*on_stop)(void *self, tezi_context *context);
  void (*destroy)(void *self); /* when the host needs the strategy no more */
  /* A strategy of TEZI_STRATEGY_SIZE_1 bytes ends here: it is run without what follows. */
  void (*on_trade_cancel)(void *self, tezi_context *context, const tezi_trade_cancel *cancel);
  void (*on_index)(void *self, tezi_context *context, const tezi_index_update *update);
  /* The exchange took back an own trade; position and profit no longer include it. */
  void (*on_fill_canceled)(void *self, tezi_context *context, const tezi_fill *fill);
  /* An operator changed what may be traded or how much, and it is in force. */
  void (*on_control)(void *self, tezi_context *context, const tezi_control *control);
  /* One of several strategies may trade from now on, or may not any more: its hours, an operator, a
   * limit. While it may not it gets no books, trades and index values. */
  void (*on_active)(void *self, tezi_context *context, uint32_t is_active);
  /* An operator changes a parameter while it runs. TEZI_OK: it is so from now on; TEZI_NONE: there is no
   * such parameter that may change; anything else: it cannot have this value. Both texts end with the
   * call. It is journaled, so that a replay does it again. */
  int32_t (*set_parameter)(void *self, tezi_context *context, const char *key, const char *value);
} tezi_strategy;

/* The size of the first version, which had no function behind `destroy`. */
#define TEZI_STRATEGY_SIZE_1 offsetof(tezi_strategy, on_trade_cancel)

/* What a shared object with a strategy exports, under this name: fills `out` for parameters as the
 * command line has them, and answers TEZI_OK; or writes a sentence into `error` and answers
 * TEZI_INVALID. `abi` is the host's TEZI_ABI: a library that was built for another one refuses. `out->size` is
 * how many bytes the host has room for, 0 from hosts of before that was said: then it is
 * TEZI_STRATEGY_SIZE_1. No more may be written, and `size` says how many were. */
typedef int32_t (*tezi_open_fn)(uint32_t abi, const char *parameters, tezi_strategy *out, char *error,
                                size_t error_size);
#define TEZI_OPEN "tezi_open"

/* The host. */
typedef struct tezi_host tezi_host;

typedef struct tezi_report {
  uint64_t events;
  uint64_t orders; /* order messages that left */
  uint64_t fills;
  uint64_t refused; /* requests that did not leave */
  uint64_t lost;    /* messages lost on every line */
  uint64_t state_hash;
  double profit;    /* in rupees, before charges */
  uint32_t is_fine; /* 0: tezi_host_problems says what is not */
  uint32_t reserved;
} tezi_report;

typedef struct tezi_live {
  const char *a;         /* groups, "239.70.70.41:17741" */
  const char *b;         /* may be null */
  const char *interface; /* its name or address; null: the routing table's choice */
  double seconds;        /* ends after so long; 0: never */
  double silence;        /* ends when nothing came for so long; 0: never */
  const char *contracts; /* contract.txt, plain or gzip; may be null */
} tezi_live;

uint32_t tezi_abi(void);
tezi_host *tezi_host_new(void);
void tezi_host_free(tezi_host *host);
/* One limit of the core by its name in `docs/operating/c-interface.md`, "loss_max" say. */
int32_t tezi_host_limit(const tezi_host *host, const char *name, int64_t value);
/* Keeps a journal in a directory that has none yet. */
int32_t tezi_host_journal(const tezi_host *host, const char *directory);
/* The cores of the feed's and the core's threads; -1, -1 pins none. */
int32_t tezi_host_pin(const tezi_host *host, int32_t feed, int32_t core);
/* Runs a strategy against captures at full speed, or a live feed, to its end. `destroy` of the strategy
 * is called before these return, whatever they answer, unless its `abi` or `size` is wrong: then nothing in
 * it is believed. */
int32_t tezi_host_run_captures(const tezi_host *host, const char *const *files, size_t count,
                               const tezi_strategy *strategy, tezi_report *report);
int32_t tezi_host_run_live(const tezi_host *host, const tezi_live *live, const tezi_strategy *strategy,
                           tezi_report *report);
/* Rebuilds a journal's state with the strategy's code; TEZI_FAILED when it decides otherwise. */
int32_t tezi_replay_journal(const tezi_host *host, const char *directory, const tezi_strategy *strategy,
                            uint64_t *state_hash);
/* Ends a live session from any thread. */
void tezi_host_stop(const tezi_host *host);
/* Why the last call failed; what was not fine. Until the next call. */
const char *tezi_host_error(const tezi_host *host);
const char *tezi_host_problems(const tezi_host *host);

#ifdef __cplusplus
}
#endif

#endif
