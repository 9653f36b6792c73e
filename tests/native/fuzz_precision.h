/* Calls of the kernels in one precision; fuzz_networks.c includes this file once for each. */

/* Return an array of vectors, (count, LANES), of random values. */
static REAL *NAME(vectors)(ptrdiff_t count, double size)
{
    REAL *found = aligned_alloc(VECTOR_BYTES, (size_t)(count * VECTOR_BYTES));
    for (ptrdiff_t i = 0; i < count * LANES; i++) found[i] = (REAL)uniform(-size, size);
    return found;
}

static REAL *NAME(copy)(const REAL *from, ptrdiff_t count)
{
    REAL *found = aligned_alloc(VECTOR_BYTES, (size_t)(count * VECTOR_BYTES));
    memcpy(found, from, (size_t)(count * VECTOR_BYTES));
    return found;
}

/* Return whether the vectors have the same bytes, or both are not a number. */
static int NAME(same)(const REAL *one, const REAL *other, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count * LANES; i++)
        if (memcmp(one + i, other + i, sizeof(REAL)) && (one[i] == one[i] || other[i] == other[i])) return 0;
    return 1;
}

/* Bytes that a kernel must replace: a number that is not one, and that no operation returns. */
static REAL *NAME(unwritten)(ptrdiff_t count)
{
    REAL *found = NAME(vectors)(count, 0);
    memset(found, 0xff, (size_t)(count * VECTOR_BYTES));
    return found;
}

static int NAME(is_written)(const REAL *values, ptrdiff_t count)
{
    REAL unwritten;
    memset(&unwritten, 0xff, sizeof unwritten);
    for (ptrdiff_t i = 0; i < count * LANES; i++)
        if (!memcmp(values + i, &unwritten, sizeof unwritten)) return 0;
    return 1;
}

static void NAME(try_forward)(const struct shape *shape, const REAL *parameters, const REAL *inputs)
{
    const struct network *network = &shape->network;
    const ptrdiff_t groups = shape->groups, points = shape->points, in = network->widths[0];
    const ptrdiff_t each = points * network->widths[network->layers];
    const int shared = (int)between(0, 1);
    REAL *common = malloc((size_t)(points * in) * sizeof(REAL)), *outputs = NAME(unwritten)(groups * each);
    for (ptrdiff_t i = 0; i < points * in; i++) common[i] = (REAL)uniform(-1, 1);
    const REAL *own = shared ? common : inputs;
    check(!NAME(forward)(network, groups, points, shape->reference, shared, parameters, own, outputs), "forward failed");
    check(NAME(is_written)(outputs, groups * each), "outputs are missing");
    for (ptrdiff_t group = 0; group < groups; group++) {
        REAL *alone = NAME(unwritten)(each), *copied = NAME(copy)(parameters + group * shape->parameters * LANES, shape->parameters);
        own = shared ? common : inputs + group * points * in * LANES;
        check(!NAME(forward)(network, 1, points, shape->reference, shared, copied, own, alone), "forward failed alone");
        check(NAME(same)(alone, outputs + group * each * LANES, each), "outputs differ alone");
        free(alone);
        free(copied);
    }
    until_failure = 0;
    check(NAME(forward)(network, groups, points, shape->reference, shared, parameters, own, outputs), "forward had memory");
    until_failure = -1;
    free(common);
    free(outputs);
}

static void NAME(try_gradient)(const struct shape *shape, const REAL *parameters, const REAL *inputs, const REAL *labels)
{
    const ptrdiff_t groups = shape->groups, points = shape->points, numbers = shape->parameters;
    const ptrdiff_t in = shape->network.widths[0], out = shape->network.widths[shape->network.layers];
    REAL *gradient = NAME(unwritten)(groups * numbers), *by_input = NAME(unwritten)(groups);
    check(!NAME(gradient)(&shape->network, groups, points, parameters, inputs, labels, gradient, by_input), "gradient failed");
    check(!points || NAME(is_written)(gradient, groups * numbers), "the gradient is missing");
    check(NAME(is_written)(by_input, groups), "the gradient's size is missing");
    for (ptrdiff_t group = 0; group < groups; group++) {
        REAL *copied = NAME(copy)(parameters + group * numbers * LANES, numbers);
        REAL *alone = NAME(unwritten)(numbers), *size = NAME(unwritten)(1);
        const REAL *x = inputs + group * points * in * LANES, *y = labels + group * points * out * LANES;
        check(!NAME(gradient)(&shape->network, 1, points, copied, x, y, alone, size), "gradient failed alone");
        check(NAME(same)(alone, gradient + group * numbers * LANES, numbers), "gradients differ alone");
        check(NAME(same)(size, by_input + group * LANES, 1), "the gradient's size differs alone");
        free(copied);
        free(alone);
        free(size);
    }
    until_failure = 0;
    check(NAME(gradient)(&shape->network, groups, points, parameters, inputs, labels, gradient, by_input), "gradient had memory");
    until_failure = -1;
    free(gradient);
    free(by_input);
}

static void NAME(try_train)(const struct shape *shape, const REAL *parameters, const REAL *inputs, const REAL *labels)
{
    const ptrdiff_t groups = shape->groups, points = shape->points, numbers = groups * shape->parameters;
    const ptrdiff_t batch = shape->batch, steps = shape->steps, half = steps / 2;
    const int moments = shape->optimizer.moments;
    REAL *rates = NAME(vectors)(groups, 0.1), *arrays[2][3];
    for (int i = 0; i < groups * LANES; i++) rates[i] = (REAL)fabs(rates[i]);
    for (int turn = 0; turn < 2; turn++) { /* in one call and in two */
        REAL *own = arrays[turn][0] = NAME(copy)(parameters, numbers);
        for (int moment = 1; moment <= 2; moment++) /* absent ones are not used */
            arrays[turn][moment] = moment <= moments ? NAME(vectors)(numbers, 0) : NULL;
        REAL *first = arrays[turn][1] ? arrays[turn][1] : own, *second = arrays[turn][2] ? arrays[turn][2] : own;
        const ptrdiff_t stop = turn ? half : steps;
        check(!NAME(train)(&shape->network, &shape->optimizer, groups, points, 0, stop, batch, shape->order,
                           shape->factors, rates, own, inputs, labels, first, second), "train failed");
        check(!NAME(train)(&shape->network, &shape->optimizer, groups, points, stop, steps - stop, batch,
                           shape->order + stop * batch, shape->factors + stop, rates, own, inputs, labels, first, second),
              "train failed");
    }
    for (int array = 0; array < 3; array++) {
        if (arrays[0][array])
            check(NAME(same)(arrays[0][array], arrays[1][array], numbers), "training differs in two calls");
    }
    until_failure = between(0, 1);
    REAL *own = arrays[0][0], *first = moments ? arrays[0][1] : own, *second = moments > 1 ? arrays[0][2] : own;
    check(NAME(train)(&shape->network, &shape->optimizer, groups, points, 0, steps, batch, shape->order,
                      shape->factors, rates, own, inputs, labels, first, second), "train had memory");
    until_failure = -1;
    for (int turn = 0; turn < 2; turn++)
        for (int array = 0; array < 3; array++) free(arrays[turn][array]);
    free(rates);
}

static void NAME(try_packing)(void)
{
    const ptrdiff_t networks = between(0, 30), rows = between(1, 20), columns = between(1, 20), groups = (networks + LANES - 1) / LANES;
    const size_t size = (size_t)(networks * rows * columns) * sizeof(REAL);
    REAL *values = malloc(size), *back = malloc(size), *packed = NAME(unwritten)(groups * rows * columns);
    for (size_t i = 0; i < size / sizeof(REAL); i++) values[i] = (REAL)i;
    NAME(pack)(networks, rows, columns, values, packed);
    NAME(unpack)(networks, rows, columns, packed, back);
    check(!memcmp(values, back, size), "unpack does not undo pack");
    for (ptrdiff_t lane = 0; lane < groups * LANES - networks; lane++) /* lanes without a network have the last one */
        check(packed[groups * rows * columns * LANES - 1 - lane] == values[networks * rows * columns - 1], "lanes are empty");
    free(values);
    free(back);
    free(packed);
}

static void NAME(try_shape)(const struct shape *shape)
{
    static const double sizes[] = {0, 1, 1, 1, 1, 1, 10, 1e30};
    const ptrdiff_t in = shape->network.widths[0], out = shape->network.widths[shape->network.layers];
    REAL *parameters = NAME(vectors)(shape->groups * shape->parameters, sizes[between(0, 7)]);
    REAL *inputs = NAME(vectors)(shape->groups * shape->points * in, 1);
    REAL *labels = NAME(vectors)(shape->groups * shape->points * out, 1);
    if (shape->points && !between(0, 10)) inputs[between(0, in - 1)] = between(0, 1) ? (REAL)NAN : (REAL)INFINITY;
    NAME(try_packing)();
    NAME(try_forward)(shape, parameters, inputs);
    NAME(try_gradient)(shape, parameters, inputs, labels);
    if (shape->batch) NAME(try_train)(shape, parameters, inputs, labels);
    free(parameters);
    free(inputs);
    free(labels);
}
