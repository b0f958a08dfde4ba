/* points.c: what the core behind this program was built with; stress/CMakeLists.txt knows. */
#include "stress/hosted/options.h"

const bool st_core_has_points = ST_CORE_HAS_POINTS;
