#define TEZI_TARGET baseline
#define TEZI_LANES 2
#include "american_loop.h"
