/* Standard normal numbers in single precision, the same to the bit as those of numpy's Generator with SFC64.
 *
 * The method is the ziggurat of Marsaglia & Tsang 2000 with 256 strips. numpy takes four times as long, mostly because it
 * branches on the random sign.
 */

/* The state of SFC64, and the upper half of its last output if that has not been used. */
struct sfc64 {
    uint64_t a, b, c, counter, has_half, half;
};

/* For each strip: the bound below which a point is accepted at once, the width of a step, and the density. */
struct ziggurat {
    const uint32_t *bound;
    const float *step, *density;
};

static inline uint32_t next_half(struct sfc64 *state)
{
    if (state->has_half) {
        state->has_half = 0;
        return (uint32_t)state->half;
    }
    const uint64_t next = state->a + state->b + state->counter++;
    state->a = state->b ^ (state->b >> 11);
    state->b = state->c + (state->c << 3);
    state->c = ((state->c << 24) | (state->c >> 40)) + next;
    state->has_half = 1;
    state->half = next >> 32;
    return (uint32_t)next;
}

static inline float next_uniform(struct sfc64 *state)
{
    return (float)(next_half(state) >> 8) * (1.0f / 16777216.0f);
}

/* Decide on a point outside the inner part of its strip; return 0 if it is rejected. One point in 140 is there. */
static __attribute__((noinline)) int accept_point(
    struct sfc64 *state, const struct ziggurat *tables, int strip, uint32_t place, float *x)
{
    if (strip == 0) { /* the tail, beyond `start` */
        const float start = 3.6541528853610088f, inverse = 0.27366123732975827f;
        for (;;) {
            const float beyond = -inverse * log1pf(-next_uniform(state)), height = -log1pf(-next_uniform(state));
            if (height + height > beyond * beyond) {
                *x = (place >> 8) & 1 ? -(start + beyond) : start + beyond;
                return 1;
            }
        }
    }
    /* volatile, since numpy rounds the product */
    volatile float part = (tables->density[strip - 1] - tables->density[strip]) * next_uniform(state);
    return part + tables->density[strip] < exp(-0.5 * *x * *x);
}

/* Draw `number` standard normal numbers, and advance the state. */
void draw_normals(
    struct sfc64 *state, const uint32_t *bound, const float *step, const float *density, ptrdiff_t number, float *to)
{
    const struct ziggurat tables = {bound, step, density};
    struct sfc64 local = *state;
    for (ptrdiff_t drawn = 0; drawn < number;) {
        const uint32_t bits = next_half(&local), place = bits >> 9;
        const int strip = bits & 255;
        union { float value; uint32_t bits; } x = {(float)(int32_t)place * step[strip]};
        x.bits ^= (bits & 256) << 23; /* the sign, without a branch */
        if (place < bound[strip] || accept_point(&local, &tables, strip, place, &x.value))
            to[drawn++] = x.value;
    }
    *state = local;
}
