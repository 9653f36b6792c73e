/* Call the kernels for lines with random networks, in memory of exactly the size they need; `cc -fsanitize=...` finds
 * what they do beyond it. Arguments: a seed and a number of calls.
 *
 * Each network and line must have the same bytes alone as among others, and a call must end when memory is lacking.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long until_failure = -1; /* allocations that succeed; any number if negative */

static int fails(void) { return until_failure >= 0 && until_failure-- == 0; }
static void *failing_malloc(size_t size) { return fails() ? NULL : malloc(size); }
static void *failing_calloc(size_t count, size_t size) { return fails() ? NULL : calloc(count, size); }
static void *failing_realloc(void *old, size_t size) { return fails() ? NULL : realloc(old, size); }

#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#include "kernels.c"
#undef malloc
#undef calloc
#undef realloc

static uint64_t state;

static uint64_t next(void) { /* splitmix64 */
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t between(int64_t low, int64_t high) { return low + (int64_t)(next() % (uint64_t)(high - low + 1)); }
static double uniform(double low, double high) { return low + (high - low) * (double)(next() >> 11) / 0x1p53; }

static double *numbers(int64_t count, double low, double high) {
    double *found = malloc((size_t)count * sizeof *found);
    for (int64_t i = 0; i < count; i++) found[i] = uniform(low, high);
    return found;
}

typedef int (*kernel)(const line_networks *, const line_activation *, const double *, const double *, int64_t,
                      const line_tolerances *, double *, double *);

static int differ(const double *one, const double *other, int64_t count) { /* in bytes, but for those of nan */
    for (int64_t i = 0; i < count; i++)
        if (memcmp(one + i, other + i, sizeof *one) && (one[i] == one[i] || other[i] == other[i])) return 1;
    return 0;
}

static void try_call(kernel call, const line_networks *networks, const line_activation *phi, const double *starts,
                     const double *directions, int64_t lines, int64_t width, uint64_t seed) {
    const line_tolerances tolerances = {2, 2e-12, 1e-9, 1e-12};
    int64_t total = networks->draws * lines * width, inputs = networks->widths[0];
    double *one = numbers(total, 7, 7), *two = numbers(total, 7, 7);
    int wrong = call(networks, phi, starts, directions, lines, &tolerances, one, two);
    for (int64_t i = 0; i < total; i++) wrong |= one[i] == 7 && two[i] == 7; /* not written */
    for (int64_t draw = 0; draw < networks->draws; draw++)
        for (int64_t line = 0; line < lines; line++) {
            line_networks alone = *networks;
            double *low = numbers(width, 0, 0), *high = numbers(width, 0, 0);
            int64_t at = (draw * lines + line) * width;
            alone.draws = 1;
            alone.parameters += draw * networks->row;
            wrong |= call(&alone, phi, starts + line * inputs, directions + line * inputs, 1, &tolerances, low, high);
            wrong |= differ(low, one + at, width) | differ(high, two + at, width);
            free(low);
            free(high);
        }
    until_failure = between(0, 20);
    int failed = call(networks, phi, starts, directions, lines, &tolerances, one, two); /* must free what it has */
    wrong |= failed != (until_failure < 0);
    until_failure = -1;
    free(one);
    free(two);
    if (wrong) {
        printf("wrong for seed %llu\n", (unsigned long long)seed);
        exit(1);
    }
}

static void try_shape(uint64_t seed) {
    state = seed;
    int64_t depth = between(0, 2) ? between(1, 4) : between(1, 20), widest = between(0, 3) ? 2 + 60 / depth : 70;
    int64_t *widths = malloc((size_t)(depth + 2) * sizeof *widths);
    line_networks networks = {between(1, 3), 0, depth + 1, widths, NULL};
    widths[0] = between(1, 3);
    for (int64_t layer = 1; layer <= depth; layer++) widths[layer] = between(1, depth > 6 && widest > 12 ? 12 : widest);
    widths[depth + 1] = between(1, 5);
    for (int64_t layer = 0; layer <= depth; layer++) networks.row += (widths[layer] + 1) * widths[layer + 1];
    double *parameters = numbers(networks.draws * networks.row, 0, 0), *at = parameters;
    static const double scales[] = {0, 1, 1, 1, 1, 1.3, 1e-200, 1e150, 1e305};
    int without_biases = !between(0, 4);
    for (int64_t draw = 0; draw < networks.draws; draw++) {
        double scale = scales[between(0, 8)];
        for (int64_t layer = 0; layer <= depth; layer++) {
            double reach = scale * sqrt(5.0 / (double)widths[layer]);
            for (int64_t i = 0; i < widths[layer] * widths[layer + 1]; i++) *at++ = uniform(-reach, reach);
            for (int64_t i = 0; i < widths[layer + 1]; i++) *at++ = without_biases ? 0 : uniform(-scale / 2, scale / 2);
        }
        if (!between(0, 15)) at[-between(1, networks.row)] = between(0, 1) ? NAN : INFINITY;
    }
    networks.parameters = parameters;
    int64_t count = between(0, depth > 4 ? 2 : 4), lines = between(1, 4);
    double *kinks = numbers(count, -0.4, 0.4), *slopes = numbers(count + 1, -1, 1);
    double *offsets = numbers(count + 1, -0.3, 0.3), *at_kinks = numbers(count, -1, 1);
    for (int64_t k = 1; k < count; k++) kinks[k] = kinks[k - 1] + uniform(1e-7, 0.5);
    if (count && between(0, 1)) kinks[0] = slopes[0] = offsets[0] = at_kinks[0] = 0;
    line_activation phi = {count, kinks, slopes, offsets, at_kinks, 1, between(0, 1)};
    double *starts = numbers(lines * widths[0], -1, 1), *directions = numbers(lines * widths[0], -1, 1);
    if (!between(0, 3)) memset(starts, 0, sizeof *starts);
    int64_t units = 0;
    for (int64_t layer = 1; layer <= depth; layer++) units += widths[layer];
    try_call(line_kinks, &networks, &phi, starts, directions, lines, 1, seed);
    try_call(line_ranges, &networks, &phi, starts, directions, lines, units, seed);
    double *all[] = {parameters, kinks, slopes, offsets, at_kinks, starts, directions};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(widths);
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    uint64_t seed = strtoull(arguments[1], NULL, 10), calls = strtoull(arguments[2], NULL, 10);
    for (uint64_t i = 0; i < calls; i++) try_shape(seed + i);
    printf("%llu shapes\n", (unsigned long long)calls);
    return 0;
}
