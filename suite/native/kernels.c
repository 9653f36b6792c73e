/* Kernels for ensembles of narrow networks.
 *
 * Networks are computed in groups: each element of a vector register belongs to one network of a group, so that all
 * operations of a network are in the same order, independent of the other networks in its group.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* AVX-512 has no larger vectors here: on an AMD EPYC 9004 they were not faster, and more lanes would be idle. */
#if defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* The 12 sums of a block, and what is added to them, fit into the 16 vector registers that every processor has. */
#define BLOCK_COLUMNS 3
#define BLOCK_ROWS 4

#define CACHE_BYTES (512 * 1024) /* of a core's own cache, at least */
#define SUM_POINTS 1024          /* that are added up one by one; sums of so many are then added, to round less */
#define EPSILON 1e-5              /* added to variances by normalization */

#ifndef GAP /* bytes to leave after an array at this place of a block of memory; the tests forbid access to them */
#define GAP(place) 0
#endif

enum { NONE, BATCH, LAYER };                               /* normalization */
enum { BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE }; /* loss */

/* An architecture, with its loss where there is one. */
struct network {
    const int32_t *widths; /* of the inputs, the hidden layers and the outputs */
    int32_t layers;        /* one more than the number of hidden layers */
    int32_t activation;
    int32_t normalization;
    int32_t residual;
    int32_t loss;
    double parameter; /* of the activation */
};

struct optimizer {
    int32_t moments; /* that it stores: up to one is SGD's, two are Adam's */
    double momentum;
    double weight_decay;
    int32_t decoupled; /* whether the weights decay by themselves, as in AdamW, rather than by the gradient */
    double clip;       /* largest norm of the gradient; 0 for any */
};

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
    if (!outputs_are_right_f32())
        return 1;
    if (!outputs_are_right_f64())
        return 2;
    return 0;
}
