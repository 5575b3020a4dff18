/* A strategy that does nothing, of the size that its parameters name. */
#include <stdint.h>
#include <string.h>

#include "tezi.h"

static void nothing(void *self, tezi_context *context) {
  (void)self;
  (void)context;
}

int32_t tezi_open(uint32_t abi, const char *parameters, tezi_strategy *out, char *error,
                  size_t error_size) {
  tezi_strategy it;
  const size_t room = out->size;
  size_t written = sizeof it;
  (void)error;
  (void)error_size;
  /* What an older strategy does not set is whatever lies there. */
  memset(&it, 0xA5, sizeof it);
  memset(&it, 0, TEZI_STRATEGY_SIZE_1);
  it.abi = abi;
  it.size = sizeof it;
  it.name = "sized";
  it.on_start = nothing;
  if (strcmp(parameters, "older") == 0) {
    it.size = TEZI_STRATEGY_SIZE_1;
    /* All of it, to see that the host does not call what is beyond the size. */
  } else if (strcmp(parameters, "newer") == 0) {
    memset(&it.on_trade_cancel, 0, sizeof it - TEZI_STRATEGY_SIZE_1);
    it.size = sizeof it + 16;
  } else if (strcmp(parameters, "short") == 0) {
    it.size = TEZI_STRATEGY_SIZE_1 - 8;
  } else if (strcmp(parameters, "within") == 0) {
    it.size = TEZI_STRATEGY_SIZE_1 + 4;
  } else {
    it.abi = abi + 1;
  }
  if (room < written) written = room;
  memcpy(out, &it, written);
  return TEZI_OK;
}
