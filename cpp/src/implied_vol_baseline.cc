#define TEZI_TARGET baseline
#define TEZI_LANES 2
#include "implied_vol_loop.h"
