#define TEZI_TARGET avx512
#define TEZI_LANES 8
#include "span_loop.h"
