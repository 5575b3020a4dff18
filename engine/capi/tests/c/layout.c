/* Prints what a C compiler makes of the header: sizes and offsets, a line each. */
#include <stddef.h>
#include <stdio.h>

#include "tezi.h"

#define SIZE(type) printf(#type " %zu\n", sizeof(type))
#define FIELD(type, field) printf(#type "." #field " %zu\n", offsetof(type, field))

int main(void) {
  SIZE(tezi_instrument);
  FIELD(tezi_instrument, token);
  FIELD(tezi_instrument, option);
  SIZE(tezi_level);
  FIELD(tezi_level, orders);
  SIZE(tezi_order);
  FIELD(tezi_order, instrument);
  FIELD(tezi_order, status);
  SIZE(tezi_new_order);
  FIELD(tezi_new_order, time_in_force);
  SIZE(tezi_position);
  FIELD(tezi_position, unrealised);
  SIZE(tezi_book_update);
  SIZE(tezi_trade);
  FIELD(tezi_trade, quantity);
  SIZE(tezi_fill);
  FIELD(tezi_fill, is_passive);
  SIZE(tezi_order_update);
  FIELD(tezi_order_update, status_before);
  SIZE(tezi_feed_update);
  SIZE(tezi_status_update);
  FIELD(tezi_status_update, status);
  SIZE(tezi_calls);
  FIELD(tezi_calls, position);
  FIELD(tezi_calls, reason);
  SIZE(tezi_strategy);
  FIELD(tezi_strategy, on_timer);
  FIELD(tezi_strategy, destroy);
  FIELD(tezi_strategy, set_parameter);
  printf("TEZI_STRATEGY_SIZE_1 %zu\n", (size_t)TEZI_STRATEGY_SIZE_1);
  SIZE(tezi_trade_cancel);
  FIELD(tezi_trade_cancel, quantity);
  SIZE(tezi_index_update);
  FIELD(tezi_index_update, instrument);
  SIZE(tezi_control);
  FIELD(tezi_control, kind);
  SIZE(tezi_report);
  FIELD(tezi_report, is_fine);
  SIZE(tezi_live);
  FIELD(tezi_live, contracts);
  return 0;
}
