/* A check that the kernels compute right numbers: networks of small integers, which are exact in any order. */

/* Return whether the outputs of networks with integer weights are those of integer arithmetic. */
static int NAME(outputs_are_right)(void)
{
    enum { INPUTS = 7, UNITS = 5, POINTS = 10, PARAMETERS = (INPUTS + 1) * UNITS + UNITS + 1 };
    const int32_t widths[] = {INPUTS, UNITS, 1};
    const struct network network = {.widths = widths, .layers = 2, .activation = ACTIVATION_relu};
    VEC parameters[PARAMETERS], outputs[POINTS];
    REAL inputs[POINTS * INPUTS];
    int weights[PARAMETERS][LANES];
    for (int place = 0; place < PARAMETERS; place++)
        for (int lane = 0; lane < LANES; lane++)
            parameters[place][lane] = (REAL)(weights[place][lane] = (place * 7 + 3 * lane) % 11 - 5);
    for (int place = 0; place < POINTS * INPUTS; place++)
        inputs[place] = (REAL)(place * 5 % 13 - 6);
    if (NAME(forward)(&network, 1, POINTS, POINTS, 1, (const REAL *)parameters, inputs, (REAL *)outputs))
        return 0;
    for (int point = 0; point < POINTS; point++)
        for (int lane = 0; lane < LANES; lane++) {
            int output = weights[PARAMETERS - 1][lane];
            for (int unit = 0; unit < UNITS; unit++) {
                int z = weights[INPUTS * UNITS + unit][lane];
                for (int input = 0; input < INPUTS; input++)
                    z += weights[unit * INPUTS + input][lane] * ((point * INPUTS + input) * 5 % 13 - 6);
                output += z > 0 ? z * weights[(INPUTS + 1) * UNITS + unit][lane] : 0;
            }
            if (outputs[point][lane] != (REAL)output)
                return 0;
        }
    return 1;
}
