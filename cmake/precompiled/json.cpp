// Explicit instantiation definitions of what json.h declares.
#define GLB_JSON_TEMPLATE template
#include "cmake/precompiled/json.h"
