/* Everything that exists in both precisions; kernels.c includes this file once for each.
 *
 * REAL is float or double, INTEGER the signed integer of the same size, DOUBLE 0 or 1, and NAME(x) is x_f32 or x_f64.
 */
#define VEC NAME(vector)
#define IVEC NAME(integers)
#define LANES (VECTOR_BYTES / (int)sizeof(REAL))
typedef REAL VEC __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef INTEGER IVEC __attribute__((vector_size(VECTOR_BYTES), may_alias));

#include "functions.h"
#include "activations.h"
#include "networks.h"
#include "check.h"

#undef VEC
#undef IVEC
#undef LANES
