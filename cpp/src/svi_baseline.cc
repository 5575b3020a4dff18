#define TEZI_TARGET baseline
#define TEZI_LANES 2
#include "svi_loop.h"
