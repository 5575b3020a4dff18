#define TEZI_TARGET avx512
#define TEZI_LANES 8
#include "american_loop.h"
