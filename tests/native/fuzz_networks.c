/* Call the kernels for networks with random shapes, in memory of exactly the size they need; `cc -fsanitize=...` finds
 * what they do beyond it. Arguments: a seed and a number of shapes.
 *
 * A group of networks must have the same bytes alone as among others, a training the same in one call as in two, and a
 * call must end, with all memory free, when memory is lacking.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long until_failure = -1; /* allocations that succeed; any number if negative */

static void *failing_aligned_alloc(size_t alignment, size_t size)
{
    return until_failure >= 0 && until_failure-- == 0 ? NULL : aligned_alloc(alignment, size);
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define GAP(place) forbid(place)
enum { GAP_BYTES = 64 };

/* Arrays in one block of memory must not be mistaken for each other, either. */
static ptrdiff_t forbid(char *place)
{
    if (place) __asan_poison_memory_region(place, GAP_BYTES);
    return GAP_BYTES;
}
#endif

#define aligned_alloc failing_aligned_alloc
#include "kernels.c"
#undef aligned_alloc

static uint64_t state, seed;

static uint64_t next(void) /* splitmix64 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static ptrdiff_t between(ptrdiff_t low, ptrdiff_t high) { return low + (ptrdiff_t)(next() % (uint64_t)(high - low + 1)); }
static double uniform(double low, double high) { return low + (high - low) * (double)(next() >> 11) / 0x1p53; }

static void check(int right, const char *what)
{
    if (right) return;
    printf("seed %llu: %s\n", (unsigned long long)seed, what);
    exit(1);
}

#undef REAL
#undef DOUBLE
#undef NAME

/* An architecture with random values for its training. */
struct shape {
    struct network network;
    struct optimizer optimizer;
    ptrdiff_t groups, points, reference, batch, steps, done, parameters;
    int64_t *order;
    double *factors; /* of the learning rates in each step */
};

static struct shape random_shape(void)
{
    const ptrdiff_t depth = between(0, 2) ? between(0, 4) : between(1, 20), widest = between(0, 3) ? 2 + 60 / (depth + 1) : 70;
    int32_t *widths = malloc((size_t)(depth + 2) * sizeof *widths);
    for (ptrdiff_t layer = 0; layer < depth + 2; layer++)
        widths[layer] = (int32_t)between(1, depth > 6 && widest > 12 ? 12 : widest);
    if (!between(0, 30)) widths[depth > 0] = 600; /* parameters that do not fit into the cache */
    widths[depth + 1] = (int32_t)between(1, 5);
    static const double clips[] = {0, 0, 1e-30, 0.01, 1, 1e30}; /* never, always, or at times */
    struct shape shape = {
        .network = {
            .widths = widths, .layers = (int32_t)depth + 1, .activation = (int32_t)between(0, NUMBER_OF_ACTIVATIONS - 1),
            .normalization = (int32_t)between(NONE, LAYER), .residual = (int32_t)between(0, 1),
            .loss = (int32_t)between(BINARY_CROSS_ENTROPY, HALF_SQUARE), .parameter = uniform(0.1, 1.5)},
        .optimizer = {
            .moments = (int32_t)between(0, 2), .momentum = 0.9, .weight_decay = between(0, 1) ? 0.1 : 0,
            .decoupled = (int32_t)between(0, 1), .clip = clips[between(0, 5)]},
        .groups = between(1, 3), .points = between(0, 3) ? between(1, 40) : between(1, 600), .done = between(0, 3)};
    if (!between(0, 40)) shape.points = between(0, 1) ? 0 : 2500; /* more than are summed at once */
    shape.reference = between(0, shape.points);
    shape.batch = between(shape.points > 0, shape.points < 60 ? shape.points : 60);
    shape.steps = between(0, 3);
    shape.order = malloc((size_t)(shape.steps * shape.batch) * sizeof *shape.order);
    for (ptrdiff_t i = 0; i < shape.steps * shape.batch; i++) shape.order[i] = between(0, shape.points - 1);
    shape.factors = malloc((size_t)shape.steps * sizeof *shape.factors);
    for (ptrdiff_t i = 0; i < shape.steps; i++) shape.factors[i] = between(0, 3) ? uniform(0, 1) : (double)between(0, 1);
    for (ptrdiff_t layer = 0; layer <= depth; layer++)
        shape.parameters += (widths[layer] + (layer < depth && shape.network.normalization ? 3 : 1)) * widths[layer + 1];
    return shape;
}

#define REAL float
#define DOUBLE 0
#define NAME(name) name##_f32
#define LANES (VECTOR_BYTES / 4)
#include "fuzz_precision.h"
#undef REAL
#undef DOUBLE
#undef NAME
#undef LANES

#define REAL double
#define DOUBLE 1
#define NAME(name) name##_f64
#define LANES (VECTOR_BYTES / 8)
#include "fuzz_precision.h"

int main(int count, char **arguments)
{
    if (count != 3) return 2;
    const uint64_t first = strtoull(arguments[1], NULL, 10), shapes = strtoull(arguments[2], NULL, 10);
    for (seed = first; seed < first + shapes; seed++) {
        state = seed;
        struct shape shape = random_shape();
        try_shape_f32(&shape);
        try_shape_f64(&shape);
        free((void *)shape.network.widths);
        free(shape.order);
        free(shape.factors);
    }
    printf("%llu shapes\n", (unsigned long long)shapes);
    return 0;
}
