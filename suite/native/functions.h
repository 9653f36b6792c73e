/* Elementary functions of vectors.
 *
 * Each lane of a result depends on the same lane of the arguments alone. NaN gives NaN. Results below the smallest
 * normal number may be flushed to 0 where a function does not say otherwise. Polynomials and quotients of them are
 * minimax fits by Remez' algorithm; errors are relative and before rounding.
 */
#undef MANTISSA
#undef BIAS
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW
#undef UPPER_HALF
#undef FAR
#undef PI
#if DOUBLE
#define MANTISSA 52             /* bits of a mantissa */
#define BIAS 1023               /* of exponents */
#define ROUNDER 0x1.8p52        /* x + ROUNDER - ROUNDER is x rounded to an integer */
#define LN2_HIGH 0x1.62e42feep-1 /* its product with an exponent is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define UPPER_HALF (-(INTEGER_ONE << 27)) /* the bits of a number whose square is exact */
#else
#define MANTISSA 23
#define BIAS 127
#define ROUNDER 0x1.8p23f
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define UPPER_HALF (-(INTEGER_ONE << 12))
#endif
#define INTEGER_ONE ((INTEGER)1)
#define SHIFT 64 /* results that may be tiny are computed times 2^SHIFT */
#define UNSHIFT ((REAL)0x1p-64)

/* c[0] + c[1] x + ..., for an array of constants whose length is known to the compiler. */
#define POLYNOMIAL(c, x) NAME(horner)(c, (int)(sizeof(c) / sizeof((c)[0])), x)
static inline __attribute__((always_inline)) VEC NAME(horner)(const REAL *c, int terms, VEC x)
{
    VEC sum = (VEC){0} + c[terms - 1];
#pragma GCC unroll 32
    for (int i = terms - 2; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}

/* The same for many terms: the sums of even and of odd powers are independent, and so computed at the same time. */
#define LONG_POLYNOMIAL(c, x) NAME(two_sums)(c, (int)(sizeof(c) / sizeof((c)[0])), x)
static inline __attribute__((always_inline)) VEC NAME(two_sums)(const REAL *c, int terms, VEC x)
{
    VEC square = x * x, sums[2] = {(VEC){0} + c[terms - 1], (VEC){0} + c[terms - 2]};
#pragma GCC unroll 32
    for (int i = terms - 3; i >= 0; i--) sums[(terms - 1 - i) % 2] = sums[(terms - 1 - i) % 2] * square + c[i];
    if (terms % 2) return sums[1] * x + sums[0];
    return sums[0] * x + sums[1];
}

static inline VEC NAME(select)(IVEC mask, VEC yes, VEC no) { return (VEC)((mask & (IVEC)yes) | (~mask & (IVEC)no)); }

static inline IVEC NAME(sign)(VEC x) { return (IVEC)x & (IVEC)(-(VEC){0}); }

static inline VEC NAME(magnitude)(VEC x) { return (VEC)((IVEC)x & ~(IVEC)(-(VEC){0})); }

static inline VEC NAME(positive)(VEC x) { return (VEC)((IVEC)x & ~(x < 0)); } /* max(x, 0) */

static inline VEC NAME(negative)(VEC x) { return (VEC)((IVEC)x & ~(x > 0)); } /* min(x, 0) */

static inline VEC NAME(at_most)(VEC x, REAL limit) { return NAME(select)(x > limit, (VEC){0} + limit, x); }

static inline VEC NAME(at_least)(VEC x, REAL limit) { return NAME(select)(x < limit, (VEC){0} + limit, x); }

/* Return e^r - 1 and set scale to 2^(k + shift), where x - low = k ln 2 + r, |r| <= ln 2 / 2 and |low| is small.
 *
 * The scale is right for -BIAS <= k + shift <= BIAS, and 0 at the lower end.
 */
static inline VEC NAME(reduced_exp)(VEC x, VEC low, int shift, VEC *scale)
{
    /* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; the error of e^r - 1 is 1.8e-17 and 1.4e-8. */
#if DOUBLE
    static const REAL c[] = {0.5000000000000006, 0.16666666666666685, 0.04166666666657362, 0.0083333333333146,
        0.0013888888932379684, 0.0001984126990301001, 2.4801504444936237e-05, 2.7557227972932734e-06,
        2.7626326913702337e-07, 2.5114466958924066e-08};
#else
    static const REAL c[] = {0.5f, 0.166665435f, 0.0416662805f, 0.00836658198f, 0.00139465032f};
#endif
    const REAL rounder = ROUNDER + (BIAS + shift);
    VEC sum = x * (REAL)1.4426950408889634 + rounder; /* its last bits are k + BIAS + shift */
    VEC k = sum - rounder;
    VEC r = x - k * LN2_HIGH - k * LN2_LOW - low;
    *scale = (VEC)((IVEC)sum << MANTISSA);
    return r + r * r * POLYNOMIAL(c, r);
}

/* e^x for x <= 0. */
static inline VEC NAME(exp)(VEC x)
{
    VEC scale, p = NAME(reduced_exp)(NAME(at_least)(x, -BIAS * (REAL)0.693147), (VEC){0}, 0, &scale);
    return scale * p + scale;
}

/* 2^SHIFT y e^(-factor x^2), where the factor is a power of 2 and the exponent at least -108 (-752 in f64). */
static inline VEC NAME(times_exp_of_square)(VEC y, VEC x, REAL factor)
{
    VEC high = (VEC)((IVEC)x & UPPER_HALF), scale; /* the square of the upper half is exact */
    VEC p = NAME(reduced_exp)(high * high * -factor, (x - high) * (x + high) * factor, SHIFT, &scale);
    return (y * p + y) * scale;
}

/* e^x - 1 for x <= 0. */
static inline VEC NAME(expm1)(VEC x)
{
    VEC scale, p = NAME(reduced_exp)(NAME(at_least)(x, -BIAS * (REAL)0.693147), (VEC){0}, 0, &scale);
    return scale * p + (scale - 1);
}

/* log(1 + x) for 0 <= x <= 1: it is 2 atanh(s) for s = x / (2 + x). */
static inline VEC NAME(log1p)(VEC x)
{
    /* (2 atanh(s) - 2 s) / s^3 as a function of s^2, for s <= 1 / 3; the error of atanh(s) is 1.4e-18 and 4.6e-9. */
#if DOUBLE
    static const REAL c[] = {0.6666666666666631, 0.40000000000157254, 0.2857142854785203, 0.22222223969855923,
        0.18181743920231114, 0.15386560028761728, 0.13300972131684222, 0.12106098235249743, 0.08340047260331725,
        0.17018679105608242};
#else
    static const REAL c[] = {0.666664124f, 0.400216937f, 0.279991865f, 0.280244023f};
#endif
    VEC s = x / (2 + x), square = s * s;
    return s * square * POLYNOMIAL(c, square) + 2 * s;
}

static inline VEC NAME(tanh)(VEC x)
{
    VEC t = NAME(expm1)(-2 * NAME(magnitude)(x));
    return (VEC)((IVEC)(-t / (2 + t)) | NAME(sign)(x));
}

static inline VEC NAME(sigmoid)(VEC x)
{
    VEC e = NAME(exp)(-NAME(magnitude)(x));
    return NAME(select)(x < 0, e, (VEC){0} + 1) / (1 + e);
}

static inline VEC NAME(erf)(VEC x)
{
    /* -log(1 - erf(x)) / x for 0 <= x <= 5.9 and 3.93, beyond which erf(x) rounds to 1; the error of erf(x) is 2.2e-17
     * and 4.0e-9. */
#if DOUBLE
    static const REAL c[] = {1.1283791670955126, 0.6366197723675909, 0.1027726033013155, -0.019128446993096043,
        -0.00020919485390726565, 0.0016962076697429496, -0.0005901324294625361, 2.5904496969055868e-05,
        6.442048029056337e-05, -2.9575685563126342e-05, 3.1697005799005375e-06, 3.1329273883246126e-06,
        -2.0371560593744996e-06, 5.706087397830986e-07, -1.1694393136675258e-08, -6.573997131371831e-08,
        3.458722512665379e-08, -1.0774040518781466e-08, 2.3606699867751285e-09, -3.7609754986510165e-10,
        4.302113650571205e-11, -3.3646296189113862e-12, 1.615017665543386e-13, -3.5925506078729315e-15};
    const REAL limit = 5.9;
#else
    static const REAL c[] = {1.12837923f, 0.636619389f, 0.102777831f, -0.0191530604f, -0.000160403346f, 0.001667034f,
        -0.000632839685f, 0.000117641728f, -9.25626773e-06f};
    const REAL limit = 3.93f;
#endif
    VEC size = NAME(at_most)(NAME(magnitude)(x), limit);
    return (VEC)((IVEC)(-NAME(expm1)(-size * LONG_POLYNOMIAL(c, size))) | NAME(sign)(x));
}

/* x times the density of the normal distribution rounds to 0 from here on. */
#define NORMAL_LIMIT (DOUBLE ? (REAL)38.75 : (REAL)14.6)
#define TAIL_SPLIT (DOUBLE ? (REAL)2.5 : (REAL)2)

/* (x + b) P(X > x) / e^(-x^2 / 2) for a standard normal X and b = TAIL_SPLIT, as a function of (x - b) / (x + b). */
static inline VEC NAME(scaled_tail)(VEC x)
{
    /* For 0 <= x <= 38.75 and 14.5; the error is 8.4e-18 and 2.9e-9. */
#if DOUBLE
    static const REAL c[] = {0.7066566569028765, -0.4336921418469836, 0.13198727850248992, 0.009239174616345838,
        -0.016390025391463964, -0.0016250100096266862, 0.002538158552665342, 0.0007592017719872053,
        -0.00032422360140641024, -0.0002625435631237823, -1.8237343769831962e-05, 5.6419435592387155e-05,
        2.9470184907379228e-05, -8.58153672188953e-07, -8.519412302580152e-06, -4.384034198738486e-06,
        -5.184970330859562e-08, 1.2779045255569412e-06, 8.720896860346765e-07, 1.751573030152053e-07,
        -2.3521203534007912e-07, -2.3240497494840596e-07, -2.5012707777649385e-08, 6.891507639190346e-08,
        2.599307150822846e-08, -7.586910353997404e-09, -4.200967453799726e-09};
#else
    static const REAL c[] = {0.672407985f, -0.331404477f, 0.0287973695f, 0.036719285f, -0.000469736231f,
        -0.00673382217f, -0.00195155514f, 0.000821902591f, 0.000836397114f, 0.000134687303f, -0.000148980776f,
        -6.60867881e-05f};
#endif
    return POLYNOMIAL(c, x);
}

/* pi in parts: multiples of the first three by up to FAR / pi are exact, as is x less those of the first two. */
#if DOUBLE
#define FAR 1e8
#define PI {0x1.921fb54p1, 0x1.10b46p-29, 0x1.1a6263p-53, 0x1.8a2e03707344ap-80}
#else
#define FAR 25e3f
#define PI {0x1.92p1f, 0x1.fbp-11f, 0x1.51p-21f, 0x1.0b4612p-33f}
#endif

/* Return x - low - turns pi, which is at most pi / 2, for |x| <= FAR. */
static inline VEC NAME(remainder)(VEC x, VEC low, VEC turns)
{
    static const REAL pi[] = PI;
    VEC near = x - turns * pi[0] - turns * pi[1], r = near - turns * pi[2];
    return r - (low + ((r - near) + turns * pi[2]) + turns * pi[3]); /* with what rounding r has lost */
}

/* sin(r) for |r| <= pi / 2. */
static inline VEC NAME(reduced_sin)(VEC r)
{
    /* (sin(r) - r) / r^3 as a function of r^2; the error of sin(r) is 2.8e-19 and 6.1e-9. */
#if DOUBLE
    static const REAL c[] = {-0.16666666666666666, 0.008333333333333194, -0.00019841269841209213,
        2.7557319211135996e-06, -2.5052106872681908e-08, 1.6058939699686363e-10, -7.642991323732191e-13,
        2.721173179554343e-15};
#else
    static const REAL c[] = {-0.166666597f, 0.00833306648f, -0.000198096037f, 2.60578167e-06f};
#endif
    VEC square = r * r;
    return r * square * POLYNOMIAL(c, square) + r;
}

/* x with its sign changed if `sum`, an integer plus ROUNDER, is odd. */
static inline VEC NAME(alternate)(VEC x, VEC sum)
{
    return (VEC)((IVEC)x ^ ((IVEC)sum << (8 * (int)sizeof(REAL) - 1)));
}

#define PER_PI ((REAL)0.3183098861837907)

/* sin(x - low) for |x| <= FAR. */
static inline VEC NAME(sin)(VEC x, VEC low)
{
    VEC sum = x * PER_PI + ROUNDER;
    return NAME(alternate)(NAME(reduced_sin)(NAME(remainder)(x, low, sum - ROUNDER)), sum);
}

/* cos(x) for |x| <= FAR: with x = (k - 1/2) pi + r it is (-1)^k sin(r). */
static inline VEC NAME(cos)(VEC x)
{
    VEC sum = (x * PER_PI + (REAL)0.5) + ROUNDER;
    VEC r = NAME(remainder)(x, (VEC){0}, sum - ROUNDER - (REAL)0.5);
    return NAME(alternate)(NAME(reduced_sin)(r), sum);
}

/* 1 - cos(x - low) for |x| <= FAR, also relative to small results: 1 - cos(r) or 1 + cos(r) for |r| <= pi / 2. */
static inline VEC NAME(one_minus_cos)(VEC x, VEC low)
{
    /* (1 - cos(r)) / r^2 as a function of r^2; the error is 1.5e-17 and 8.0e-10. */
#if DOUBLE
    static const REAL c[] = {0.5, -0.04166666666666631, 0.0013888888888859024, -2.4801587292037354e-05,
        2.755731772009261e-07, -2.0876628065638778e-09, 1.1464607435044336e-11, -4.6267225091911745e-14};
#else
    static const REAL c[] = {0.5f, -0.0416666605f, 0.00138886424f, -2.4773979e-05f, 2.62853717e-07f};
#endif
    VEC sum = x * PER_PI + ROUNDER, two = (VEC){0} + 2;
    VEC r = NAME(remainder)(x, low, sum - ROUNDER), square = r * r;
    VEC base = (VEC)((IVEC)two & -((IVEC)sum & 1)); /* 2 if the number of half turns is odd */
    return base + NAME(alternate)(square * POLYNOMIAL(c, square), sum);
}
