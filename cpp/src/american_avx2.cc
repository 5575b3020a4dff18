#define TEZI_TARGET avx2
#define TEZI_LANES 4
#include "american_loop.h"
