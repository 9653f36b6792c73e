/* Activations of vectors and their derivatives.
 *
 * They are those of suite/nets/activations.py. At -inf, silu and gelu have their limit, 0.
 */
#ifndef ACTIVATIONS
/* All of them, by the names that the catalog's entries state as `native_kernel`. */
#define ACTIVATIONS(X) \
    X(relu) X(abs) X(identity) X(leaky_relu) X(elu) X(selu) X(tanh) X(sigmoid) X(silu) X(softplus) X(erf) X(sin) \
    X(gelu) X(htanh) X(s_exp) X(s_sin) X(s_saw)
#define NUMBER(name) ACTIVATION_##name,
enum { ACTIVATIONS(NUMBER) NUMBER_OF_ACTIVATIONS };
#undef NUMBER

#define SELU_ALPHA 1.6732632423543772
#define SELU_SCALE 1.0507009873554805

/* The number of an activation; -1 if there is none of that name. */
int activation_number(const char *name)
{
#define STRING(name) #name,
    static const char *const names[] = {ACTIVATIONS(STRING)};
#undef STRING
    for (int i = 0; i < NUMBER_OF_ACTIVATIONS; i++)
        if (!strcmp(names[i], name)) return i;
    return -1;
}

/* Whether the derivative follows from z; that of the others follows from phi(z). */
static int needs_z(int activation)
{
    switch (activation) {
        case ACTIVATION_relu: case ACTIVATION_identity: case ACTIVATION_elu: case ACTIVATION_selu:
        case ACTIVATION_tanh: case ACTIVATION_sigmoid: case ACTIVATION_htanh:
            return 0;
    }
    return 1;
}

/* sin and s_sin, or their derivatives, at one z that is too large for vectors, infinite or NaN. */
static double far_value(int activation, int derivative, double a, double z)
{
    if (activation == ACTIVATION_sin) return derivative ? cos(z) : sin(z);
    double size = fabs(z), excess = size - a, low = a - (size - excess); /* |z| - a = excess - low */
    if (derivative) return cos(excess) * sin(low) - sin(excess) * cos(low);
    return copysign(1, z) * (a - 1 + (cos(excess) * cos(low) + sin(excess) * sin(low)));
}
#endif

static __attribute__((noinline)) VEC NAME(repair_far)(int activation, int derivative, REAL a, VEC z, VEC value)
{
    for (int lane = 0; lane < LANES; lane++)
        if (!((REAL)fabs(z[lane]) <= FAR)) value[lane] = (REAL)far_value(activation, derivative, a, z[lane]);
    return value;
}

static int NAME(any_far)(const VEC *z, ptrdiff_t n)
{
    IVEC far = {0};
    for (ptrdiff_t i = 0; i < n; i++) far |= ~(NAME(magnitude)(z[i]) <= FAR);
    INTEGER any = 0;
    for (int lane = 0; lane < LANES; lane++) any |= far[lane];
    return any != 0;
}

static inline VEC NAME(softplus)(VEC z)
{
    return NAME(positive)(z) + NAME(log1p)(NAME(exp)(-NAME(magnitude)(z)));
}

/* z sigmoid(z) = max(z, 0) - |z| sigmoid(-|z|), where the difference is 0 from the limit on. */
static inline VEC NAME(silu)(VEC z)
{
    VEC size = NAME(at_most)(NAME(magnitude)(z), DOUBLE ? 752 : 110);
    VEC scale, p = NAME(reduced_exp)(-size, (VEC){0}, SHIFT, &scale);
    VEC e = scale * p + scale; /* times 2^SHIFT */
    return NAME(positive)(z) - size * e / (1 + e * UNSHIFT) * UNSHIFT;
}

/* z Phi(z) = max(z, 0) - |z| Phi(-|z|), where the difference is 0 from the limit on. */
static inline VEC NAME(gelu)(VEC z)
{
    VEC size = NAME(at_most)(NAME(magnitude)(z), NORMAL_LIMIT);
    VEC share = size / (size + TAIL_SPLIT);
    VEC tail = NAME(times_exp_of_square)(share * NAME(scaled_tail)(2 * share - 1), size, (REAL)0.5);
    return NAME(positive)(z) - tail * UNSHIFT;
}

/* Phi(z) + z phi(z) = g for z < 0 and 1 - g above, where g = Phi(-|z|) - |z| phi(z). */
static inline VEC NAME(gelu_slope)(VEC z)
{
    VEC size = NAME(at_most)(NAME(magnitude)(z), NORMAL_LIMIT);
    VEC inverse = 1 / (size + TAIL_SPLIT);
    VEC factor = inverse * NAME(scaled_tail)((size - TAIL_SPLIT) * inverse) - size * (REAL)0.3989422804014327;
    VEC g = NAME(times_exp_of_square)(factor, size, (REAL)0.5) * UNSHIFT;
    return NAME(select)(z < 0, g, 1 - g);
}

static inline VEC NAME(erf_slope)(VEC z)
{
    VEC size = NAME(at_most)(NAME(magnitude)(z), DOUBLE ? (REAL)27.4 : (REAL)10.3); /* 0 beyond */
    return NAME(times_exp_of_square)((VEC){0} + (REAL)1.1283791670955126, size, 1) * UNSHIFT;
}

/* An odd function, where `size` is |z| and `drop` how far |phi| is below the clipped |z|. */
#define LINEAR_REGION(size, drop) (VEC)((IVEC)(NAME(at_most)(size, a) - (drop)) ^ NAME(sign)(z))

/* s_sin: the drop is 1 - cos(|z| - a), where |z| - a = excess - low. */
static inline VEC NAME(s_sin)(VEC z, REAL a)
{
    VEC size = NAME(magnitude)(z), excess = NAME(at_least)(size, a) - a;
    VEC low = a - (NAME(at_least)(size, a) - excess);
    return LINEAR_REGION(size, NAME(one_minus_cos)(excess, low));
}

static inline VEC NAME(s_sin_slope)(VEC z, REAL a)
{
    VEC size = NAME(magnitude)(z), excess = size - a;
    VEC slope = -NAME(sin)(excess, a - (size - excess));
    return NAME(select)(excess > 0, slope, (VEC){0} + 1);
}

static inline VEC NAME(s_exp_slope)(VEC z, REAL a)
{
    VEC excess = NAME(magnitude)(z) - a, one = (VEC){0} + 1;
    return NAME(select)(excess > 0, -NAME(exp)(-NAME(positive)(excess)), one);
}

static inline VEC NAME(s_saw_slope)(VEC z, REAL a)
{
    VEC excess = NAME(magnitude)(z) - a, one = (VEC){0} + 1;
    return NAME(select)(excess > 0, (VEC)((IVEC)(-one) & (excess < a)), one);
}

/* Replace n vectors z by phi(z), where `a` is the parameter of the activation, if it has one. */
static void NAME(activate)(int activation, REAL a, VEC *values, ptrdiff_t n)
{
    const REAL tail = (REAL)(SELU_SCALE * SELU_ALPHA), scale = (REAL)SELU_SCALE;
    int far;
#define CASE(name, phi) \
    case ACTIVATION_##name: \
        for (ptrdiff_t i = 0; i < n; i++) { \
            VEC z = values[i]; \
            values[i] = phi; \
        } \
        break;
#define FAR_CASE(name, phi) \
    case ACTIVATION_##name: \
        far = NAME(any_far)(values, n); \
        for (ptrdiff_t i = 0; i < n; i++) { \
            VEC z = values[i], value = phi; \
            values[i] = far ? NAME(repair_far)(activation, 0, a, z, value) : value; \
        } \
        break;
    switch (activation) {
        CASE(relu, NAME(positive)(z))
        CASE(abs, NAME(magnitude)(z))
        CASE(leaky_relu, NAME(select)(z > 0, z, a * z))
        CASE(elu, NAME(positive)(z) + a * NAME(expm1)(NAME(negative)(z)))
        CASE(selu, scale * NAME(positive)(z) + tail * NAME(expm1)(NAME(negative)(z)))
        CASE(tanh, NAME(tanh)(z))
        CASE(sigmoid, NAME(sigmoid)(z))
        CASE(silu, NAME(silu)(z))
        CASE(softplus, NAME(softplus)(z))
        CASE(erf, NAME(erf)(z))
        FAR_CASE(sin, NAME(sin)(z, (VEC){0}))
        CASE(gelu, NAME(gelu)(z))
        CASE(htanh, NAME(at_least)(NAME(at_most)(z, a), -a))
        CASE(s_exp, LINEAR_REGION(NAME(magnitude)(z), -NAME(expm1)(-NAME(positive)(NAME(magnitude)(z) - a))))
        FAR_CASE(s_sin, NAME(s_sin)(z, a))
        CASE(s_saw, LINEAR_REGION(NAME(magnitude)(z), NAME(at_most)(NAME(positive)(NAME(magnitude)(z) - a), a)))
    }
#undef CASE
#undef FAR_CASE
}

/* Multiply n vectors delta by phi'(z), given z and h = phi(z).
 *
 * Only h is read unless `needs_z`, so that z may be h.
 */
static void NAME(backward)(int activation, REAL a, VEC *delta, const VEC *zs, const VEC *hs, ptrdiff_t n)
{
    const REAL tail = (REAL)(SELU_SCALE * SELU_ALPHA), scale = (REAL)SELU_SCALE;
    const VEC one = (VEC){0} + 1;
    int far;
#define CASE(name, argument, result) \
    case ACTIVATION_##name: \
        for (ptrdiff_t i = 0; i < n; i++) { \
            VEC argument = argument##s[i], d = delta[i]; \
            delta[i] = result; \
        } \
        break;
#define FAR_CASE(name, slope) \
    case ACTIVATION_##name: \
        far = NAME(any_far)(zs, n); \
        for (ptrdiff_t i = 0; i < n; i++) { \
            VEC z = zs[i], value = slope; \
            delta[i] *= far ? NAME(repair_far)(activation, 1, a, z, value) : value; \
        } \
        break;
    switch (activation) {
        CASE(relu, h, (VEC)((IVEC)d & ~(h <= 0)))
        CASE(abs, z, d * NAME(select)(z > 0, one, (VEC)((IVEC)(-one) & (z < 0))))
        CASE(leaky_relu, z, NAME(select)(z > 0, d, a * d))
        CASE(elu, h, d * NAME(select)(h > 0, one, h + a))
        CASE(selu, h, d * NAME(select)(h > 0, scale * one, h + tail))
        CASE(tanh, h, d * (1 - h * h))
        CASE(sigmoid, h, d * (h * (1 - h)))
        case ACTIVATION_silu:
            for (ptrdiff_t i = 0; i < n; i++) {
                VEC e = NAME(exp)(-NAME(magnitude)(zs[i])), large = 1 / (1 + e), small = e * large;
                IVEC below = zs[i] < 0;
                delta[i] *= NAME(select)(below, small, large) + hs[i] * NAME(select)(below, large, small);
            }
            break;
        CASE(softplus, z, d * NAME(sigmoid)(z))
        CASE(erf, z, d * NAME(erf_slope)(z))
        FAR_CASE(sin, NAME(cos)(z))
        CASE(gelu, z, d * NAME(gelu_slope)(z))
        CASE(htanh, h, (VEC)((IVEC)d & ~((h <= -a) | (h >= a))))
        CASE(s_exp, z, d * NAME(s_exp_slope)(z, a))
        FAR_CASE(s_sin, NAME(s_sin_slope)(z, a))
        CASE(s_saw, z, d * NAME(s_saw_slope)(z, a))
    }
#undef CASE
#undef FAR_CASE
}

/* The two on arrays of any length and alignment, for tests. */
#undef BLOCK
#define BLOCK 64

void NAME(activate_array)(int activation, REAL a, REAL *values, ptrdiff_t n)
{
    VEC block[BLOCK];
    for (ptrdiff_t i = 0; i < n; i += BLOCK * LANES) {
        ptrdiff_t count = n - i < BLOCK * LANES ? n - i : BLOCK * LANES;
        memset(block, 0, sizeof(block));
        memcpy(block, values + i, (size_t)count * sizeof(REAL));
        NAME(activate)(activation, a, block, (count + LANES - 1) / LANES);
        memcpy(values + i, block, (size_t)count * sizeof(REAL));
    }
}

void NAME(backward_array)(int activation, REAL a, REAL *delta, const REAL *z, const REAL *h, ptrdiff_t n)
{
    VEC block[3][BLOCK];
    for (ptrdiff_t i = 0; i < n; i += BLOCK * LANES) {
        ptrdiff_t count = n - i < BLOCK * LANES ? n - i : BLOCK * LANES;
        size_t bytes = (size_t)count * sizeof(REAL);
        memset(block, 0, sizeof(block));
        memcpy(block[0], delta + i, bytes);
        memcpy(block[1], z + i, bytes);
        memcpy(block[2], h + i, bytes);
        NAME(backward)(activation, a, block[0], block[1], block[2], (count + LANES - 1) / LANES);
        memcpy(delta + i, block[0], bytes);
    }
}
