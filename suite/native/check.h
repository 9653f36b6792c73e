/* A check that vectors compute right numbers: sums of products of small integers, which are exact in any order. */

/* Return whether a layer of ReLU with integer weights has the outputs that integer arithmetic gives. */
static int NAME(layer_is_right)(void)
{
    enum { INPUTS = 37, OUTPUTS = 5 };
    volatile int three = 3; /* keeps the compiler from computing the results itself */
    for (int output = 0; output < OUTPUTS; output++) {
        VEC sum = {0}, zero = {0};
        int expected[LANES] = {0};
        for (int input = 0; input < INPUTS; input++) {
            VEC weight, value;
            for (int lane = 0; lane < LANES; lane++) {
                int w = (input * 7 + output + lane) % 11 - three - 2, x = (input * (lane + 1)) % 13 - three;
                weight[lane] = (REAL)w;
                value[lane] = (REAL)x;
                expected[lane] += w * x;
            }
            sum += weight * value;
        }
        IVEC positive = (IVEC)(sum > zero);
        VEC relu = (VEC)((IVEC)sum & positive);
        for (int lane = 0; lane < LANES; lane++)
            if (relu[lane] != (REAL)(expected[lane] > 0 ? expected[lane] : 0))
                return 0;
    }
    return 1;
}
