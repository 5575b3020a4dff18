#define TEZI_TARGET baseline
#define TEZI_LANES 2
#include "black76_loop.h"
