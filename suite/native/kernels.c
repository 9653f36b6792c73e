/* Kernels for ensembles of narrow networks.
 *
 * Networks are computed in groups: each element of a vector register belongs to one network of a group, so that all
 * operations of a network are in the same order, whatever other networks are in its group.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* The number of networks in a group. */
int lanes_f32(void) { return VECTOR_BYTES / 4; }
int lanes_f64(void) { return VECTOR_BYTES / 8; }

#define REAL float
#define INTEGER int32_t
#define DOUBLE 0
#define NAME(name) name##_f32
#include "precision.h"
#undef REAL
#undef INTEGER
#undef DOUBLE
#undef NAME

#define REAL double
#define INTEGER int64_t
#define DOUBLE 1
#define NAME(name) name##_f64
#include "precision.h"

#include "lines.h"

/* Return 0 if small examples give the right numbers on this machine, otherwise the number of the first that does not. */
int self_check(void)
{
    if (!layer_is_right_f32())
        return 1;
    if (!layer_is_right_f64())
        return 2;
    return 0;
}
