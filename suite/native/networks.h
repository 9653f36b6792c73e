/* Forward passes, gradients and training of a group of networks of one architecture.
 *
 * Arrays of activations are (points, units) of vectors, and those of parameters have the layout of
 * suite.nets.ensemble: for each layer the weights by row, the biases and, in normalized hidden layers, gains and shifts.
 */

/* ---- Products of matrices of vectors ---- */

#define INLINE static inline __attribute__((always_inline))

INLINE VEC NAME(splat)(REAL value)
{
    return (VEC){0} + value;
}

INLINE VEC NAME(root)(VEC x)
{
    VEC root;
    for (int lane = 0; lane < LANES; lane++)
        root[lane] = DOUBLE ? sqrt(x[lane]) : sqrtf(x[lane]);
    return root;
}

/* Compute a block of c = start + a b^T, where all entries are vectors and `inner` is the length of the sums.
 *
 * Entry (r, k) of a is a[r * a_row + k * a_inner], and likewise for b and c. `start` has one entry for each row; without
 * it the start is 0. The result is added to c if `add`. The compiler knows `rows` and `columns`, so that the sums are in
 * registers. ReLU is applied if `relu`.
 */
INLINE void NAME(block)(
    const int rows, const int columns, ptrdiff_t inner,
    const VEC *a, ptrdiff_t a_row, ptrdiff_t a_inner, const VEC *b, ptrdiff_t b_row, ptrdiff_t b_inner,
    const VEC *start, int add, VEC *c, ptrdiff_t c_row, ptrdiff_t c_column, int relu)
{
    VEC sum[BLOCK_ROWS][BLOCK_COLUMNS];
#pragma GCC unroll 8
    for (int row = 0; row < rows; row++)
#pragma GCC unroll 8
        for (int column = 0; column < columns; column++)
            sum[row][column] = start ? start[row] : (VEC){0};
    for (ptrdiff_t k = 0; k < inner; k++) {
        VEC left[BLOCK_ROWS];
#pragma GCC unroll 8
        for (int row = 0; row < rows; row++)
            left[row] = a[row * a_row + k * a_inner];
#pragma GCC unroll 8
        for (int column = 0; column < columns; column++) {
            const VEC right = b[column * b_row + k * b_inner];
#pragma GCC unroll 8
            for (int row = 0; row < rows; row++)
                sum[row][column] += left[row] * right;
        }
    }
#pragma GCC unroll 8
    for (int column = 0; column < columns; column++)
#pragma GCC unroll 8
        for (int row = 0; row < rows; row++) {
            VEC value = sum[row][column], *to = c + row * c_row + column * c_column;
            if (relu)
                value = NAME(positive)(value); /* keeps nan */
            if (add)
                value += *to;
            *to = value;
        }
}

#define CASE(rows, columns)                                                                                    \
    case (rows) * 8 + (columns):                                                                               \
        NAME(block)(rows, columns, inner, a + row * a_row, a_row, a_inner, b + column * b_row, b_row, b_inner, \
                    start ? start + row : 0, add, c + row * c_row + column * c_column, c_row, c_column,        \
                    relu);                                                                                     \
        break;
#define CASES(rows) CASE(rows, 1) CASE(rows, 2) CASE(rows, 3)

/* Compute c = start + a b^T, or add it to c, for matrices of any size; see `block`. */
INLINE void NAME(product)(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
    const VEC *a, ptrdiff_t a_row, ptrdiff_t a_inner, const VEC *b, ptrdiff_t b_row, ptrdiff_t b_inner,
    const VEC *start, int add, VEC *c, ptrdiff_t c_row, ptrdiff_t c_column, int relu)
{
    for (ptrdiff_t column = 0; column < columns; column += BLOCK_COLUMNS)
        for (ptrdiff_t row = 0; row < rows; row += BLOCK_ROWS) {
            const ptrdiff_t height = rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS;
            const ptrdiff_t width = columns - column < BLOCK_COLUMNS ? columns - column : BLOCK_COLUMNS;
            switch (height * 8 + width) { CASES(1) CASES(2) CASES(3) CASES(4) }
        }
}
#undef CASE
#undef CASES

/* Compute z = W h + b, (points, out), from h, (points, in). */
static void NAME(affine)(
    ptrdiff_t points, ptrdiff_t fan_in, ptrdiff_t fan_out, const VEC *weight, const VEC *bias, const VEC *h, VEC *z,
    int relu)
{
    NAME(product)(fan_out, points, fan_in, weight, fan_in, 1, h, fan_in, 1, bias, 0, z, 1, fan_out, relu);
}

/* Compute W^T delta, (points, in), from delta, (points, out). */
static void NAME(pull_back)(
    ptrdiff_t points, ptrdiff_t fan_in, ptrdiff_t fan_out, const VEC *weight, const VEC *delta, VEC *pulled)
{
    NAME(product)(fan_in, points, fan_out, weight, 1, fan_in, delta, fan_out, 1, 0, 0, pulled, 1, fan_in, 0);
}

/* Compute, or add if `add`, the sum over points of each unit, (units), of a * b or, without b, of a.
 *
 * `partial` is of the size of the sum.
 */
static void NAME(sum_over_points)(
    ptrdiff_t points, ptrdiff_t units, const VEC *a, const VEC *b, int add, VEC *sum, VEC *partial)
{
    if (!add)
        memset(sum, 0, units * sizeof(VEC));
    for (ptrdiff_t start = 0; start < points; start += SUM_POINTS) {
        const ptrdiff_t stop = points - start < SUM_POINTS ? points : start + SUM_POINTS;
        memset(partial, 0, units * sizeof(VEC));
        for (ptrdiff_t point = start; point < stop; point++)
            for (ptrdiff_t unit = 0; unit < units; unit++)
                partial[unit] += a[point * units + unit] * (b ? b[point * units + unit] : NAME(splat)(1));
        for (ptrdiff_t unit = 0; unit < units; unit++)
            sum[unit] += partial[unit];
    }
}

/* Compute, or add if `add`, the gradients with respect to weights, the sum of delta h^T over the points, and biases. */
static void NAME(affine_gradient)(
    ptrdiff_t points, ptrdiff_t fan_in, ptrdiff_t fan_out, const VEC *delta, const VEC *h, int add, VEC *weight,
    VEC *bias, VEC *partial)
{
    for (ptrdiff_t start = 0; start < points; start += SUM_POINTS) {
        const ptrdiff_t size = points - start < SUM_POINTS ? points - start : SUM_POINTS;
        NAME(product)(
            fan_out, fan_in, size, delta + start * fan_out, 1, fan_out, h + start * fan_in, 1, fan_in, 0,
            add || start > 0, weight, fan_in, 1, 0);
    }
    NAME(sum_over_points)(points, fan_out, delta, 0, add, bias, partial);
}

/* ---- Networks and the memory of their passes ---- */

struct NAME(layer) {
    ptrdiff_t fan_in, fan_out;
    int normalized;
    ptrdiff_t weight, bias, gain, shift; /* places in the parameters */
    VEC *standard;                       /* W h + b, standardized if the layer is normalized */
    VEC *scale;                          /* 1 / sqrt(variance + epsilon) of each unit or point */
    VEC *z, *value, *h;                  /* argument of the activation, its value, and the layer's output */
};

struct NAME(passes) {
    const struct network *network;
    struct NAME(layer) *layers;
    ptrdiff_t tile;           /* points that are computed together */
    VEC *inputs, *labels;     /* of one tile */
    VEC *delta[3], *skipped;  /* gradients with respect to activations */
    VEC *sums;                /* three for each unit of the widest layer */
    VEC *squares, *biases, *constant; /* for each layer, see `inspect`, or 0 */
    char *memory;
};

/* Return the number of points that are computed together: of equal tiles whose activations fit into the cache.
 *
 * If parameters do not fit into it themselves, each tile reads them again, and there are as few tiles as possible.
 */
static ptrdiff_t NAME(tile_points)(const struct network *network, ptrdiff_t points, int gradients)
{
    if (network->normalization == BATCH || points == 0)
        return points;
    ptrdiff_t units = 0, widest = 0, parameters = 0;
    for (int index = 0; index < network->layers; index++) {
        units += network->widths[index + 1];
        parameters += ((ptrdiff_t)network->widths[index] + 1) * network->widths[index + 1];
        widest = network->widths[index + 1] > widest ? network->widths[index + 1] : widest;
    }
    ptrdiff_t most = gradients && parameters * VECTOR_BYTES > CACHE_BYTES ? 16 * CACHE_BYTES : CACHE_BYTES / 2;
    most /= (gradients ? units : 2 * widest) * VECTOR_BYTES;
    most = most < 2 * BLOCK_COLUMNS ? 2 * BLOCK_COLUMNS : most;
    ptrdiff_t tiles = (points + most - 1) / most;
    ptrdiff_t tile = (points + tiles - 1) / tiles;
    return (tile + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;
}

/* Return the place of the next vectors in the memory, of which *used bytes are taken; 0 if there is no memory yet. */
static VEC *NAME(take)(char *memory, ptrdiff_t *used, ptrdiff_t vectors)
{
    VEC *taken = memory ? (VEC *)(memory + *used) : 0;
    *used += vectors * VECTOR_BYTES;
    *used += GAP(memory ? memory + *used : 0);
    return taken;
}

/* Lay out the buffers in passes->memory, if there is any yet, and return their size in bytes.
 *
 * Arrays that need not be distinct share memory.
 */
static ptrdiff_t NAME(lay_out)(struct NAME(passes) *passes, int gradients)
{
    char *memory = passes->memory;
    ptrdiff_t used = 0;
    const struct network *network = passes->network;
    const ptrdiff_t tile = passes->tile;
    ptrdiff_t widest = 0, place = 0;
    for (int index = 0; index <= network->layers; index++)
        widest = network->widths[index] > widest ? network->widths[index] : widest;
    passes->layers = (struct NAME(layer) *)NAME(take)(
        memory, &used, network->layers * (ptrdiff_t)sizeof(struct NAME(layer)) / VECTOR_BYTES + 1);
    passes->inputs = NAME(take)(memory, &used, tile * network->widths[0]);
    passes->sums = NAME(take)(memory, &used, 3 * widest);
    VEC *turns[2] = {0, 0};
    if (!gradients)
        for (int turn = 0; turn < 2; turn++)
            turns[turn] = NAME(take)(memory, &used, tile * widest);
    for (int index = 0; index < network->layers; index++) {
        const ptrdiff_t fan_in = network->widths[index], fan_out = network->widths[index + 1];
        const int hidden = index + 1 < network->layers, normalized = hidden && network->normalization != NONE;
        struct NAME(layer) layer = {.fan_in = fan_in, .fan_out = fan_out, .normalized = normalized, .weight = place};
        layer.bias = layer.weight + fan_in * fan_out;
        layer.gain = layer.bias + fan_out;
        layer.shift = layer.gain + fan_out;
        place = layer.bias + (normalized ? 3 : 1) * fan_out;
        if (normalized)
            layer.scale = NAME(take)(memory, &used, network->normalization == BATCH ? fan_out : tile);
        layer.h = gradients ? NAME(take)(memory, &used, tile * fan_out) : turns[index % 2];
        layer.value = layer.z = layer.standard = layer.h;
        if (gradients && hidden) {
            if (network->residual)
                layer.value = layer.z = layer.standard = NAME(take)(memory, &used, tile * fan_out);
            if (needs_z(network->activation))
                layer.z = layer.standard = NAME(take)(memory, &used, tile * fan_out);
            if (normalized)
                layer.standard = NAME(take)(memory, &used, tile * fan_out);
        }
        if (memory)
            passes->layers[index] = layer;
    }
    if (gradients) {
        passes->labels = NAME(take)(memory, &used, tile * network->widths[network->layers]);
        for (int turn = 0; turn < 3; turn++)
            passes->delta[turn] = NAME(take)(memory, &used, tile * widest);
        passes->skipped = NAME(take)(memory, &used, tile * widest);
    }
    return used;
}

/* Allocate what passes over tiles of up to `tile` points need; return 0 if there is no memory. */
static int NAME(prepare)(
    struct NAME(passes) *passes, const struct network *network, ptrdiff_t tile, int gradients)
{
    *passes = (struct NAME(passes)){.network = network, .tile = tile};
    passes->memory = aligned_alloc(VECTOR_BYTES, NAME(lay_out)(passes, gradients));
    if (!passes->memory)
        return 0;
    NAME(lay_out)(passes, gradients);
    return 1;
}

/* ---- Normalization; see suite.nets.normalization ---- */

/* Compute the mean over points of each unit, (units), of a * b or, without b, of a. */
static void NAME(mean_over_points)(
    ptrdiff_t points, ptrdiff_t units, const VEC *a, const VEC *b, VEC *mean, VEC *partial)
{
    NAME(sum_over_points)(points, units, a, b, 0, mean, partial);
    for (ptrdiff_t unit = 0; unit < units; unit++)
        mean[unit] /= (REAL)points;
}

static VEC NAME(mean_over_units)(ptrdiff_t units, const VEC *a, const VEC *b)
{
    VEC sum = {0};
    for (ptrdiff_t unit = 0; unit < units; unit++)
        sum += a[unit] * (b ? b[unit] : NAME(splat)(1));
    return sum / (REAL)units;
}

static void NAME(standardize)(
    int normalization, ptrdiff_t points, ptrdiff_t units, ptrdiff_t reference, VEC *z, VEC *scale, VEC *sums)
{
    if (normalization == BATCH) {
        NAME(mean_over_points)(reference, units, z, 0, sums, sums + units);
        for (ptrdiff_t point = 0; point < points; point++)
            for (ptrdiff_t unit = 0; unit < units; unit++)
                z[point * units + unit] -= sums[unit];
        NAME(mean_over_points)(reference, units, z, z, sums, sums + units);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            scale[unit] = (REAL)1 / NAME(root)(sums[unit] + (REAL)EPSILON);
        for (ptrdiff_t point = 0; point < points; point++)
            for (ptrdiff_t unit = 0; unit < units; unit++)
                z[point * units + unit] *= scale[unit];
        return;
    }
    for (ptrdiff_t point = 0; point < points; point++) {
        VEC *row = z + point * units;
        const VEC mean = NAME(mean_over_units)(units, row, 0);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            row[unit] -= mean;
        scale[point] = (REAL)1 / NAME(root)(NAME(mean_over_units)(units, row, row) + (REAL)EPSILON);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            row[unit] *= scale[point];
    }
}

static void NAME(standardize_backward)(
    int normalization, ptrdiff_t points, ptrdiff_t units, VEC *delta, const VEC *standard, const VEC *scale, VEC *sums)
{
    if (normalization == BATCH) {
        VEC *mean = sums, *along = sums + units, *partial = sums + 2 * units;
        NAME(mean_over_points)(points, units, delta, 0, mean, partial);
        NAME(mean_over_points)(points, units, delta, standard, along, partial);
        for (ptrdiff_t point = 0; point < points; point++)
            for (ptrdiff_t unit = 0; unit < units; unit++) {
                const ptrdiff_t place = point * units + unit;
                delta[place] = (delta[place] - mean[unit] - standard[place] * along[unit]) * scale[unit];
            }
        return;
    }
    for (ptrdiff_t point = 0; point < points; point++) {
        VEC *row = delta + point * units;
        const VEC *of = standard + point * units;
        const VEC mean = NAME(mean_over_units)(units, row, 0), along = NAME(mean_over_units)(units, row, of);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            row[unit] = (row[unit] - mean - of[unit] * along) * scale[point];
    }
}

/* ---- What `inspect` returns of a layer ---- */

/* Compute the sum over points and units of (z - b)^2 or, without b, of z^2. */
static VEC NAME(sum_of_squares)(ptrdiff_t points, ptrdiff_t units, const VEC *z, const VEC *b)
{
    VEC sum[4] = {{0}}; /* four, so that an addition need not wait for the last one */
    for (ptrdiff_t unit = 0; unit < units; unit++) {
        const VEC subtracted = b ? b[unit] : NAME(splat)(0);
        ptrdiff_t point = 0;
        for (; point + 4 <= points; point += 4)
#pragma GCC unroll 4
            for (int part = 0; part < 4; part++) {
                const VEC difference = z[(point + part) * units + unit] - subtracted;
                sum[part] += difference * difference;
            }
        for (; point < points; point++) {
            const VEC difference = z[point * units + unit] - subtracted;
            sum[0] += difference * difference;
        }
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Return 1 where all units have the same value at all points, else 0. */
static VEC NAME(is_constant)(ptrdiff_t points, ptrdiff_t units, const VEC *h)
{
    IVEC same = ~(IVEC){0};
    for (ptrdiff_t point = 0; point < points; point++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
            same &= h[point * units + unit] == h[unit];
    return (VEC)(same & (IVEC)NAME(splat)(1));
}

/* ---- Passes over one tile ---- */

/* Compute the outputs at `points` points from passes->inputs, and return them, (points, outputs). */
static const VEC *NAME(forward_tile)(
    struct NAME(passes) *passes, const VEC *parameters, ptrdiff_t points, ptrdiff_t reference)
{
    const struct network *network = passes->network;
    const VEC *below = passes->inputs;
    for (int index = 0; index < network->layers; index++) {
        const struct NAME(layer) *layer = passes->layers + index;
        const ptrdiff_t units = layer->fan_out;
        const VEC *weight = parameters + layer->weight, *bias = parameters + layer->bias;
        const int hidden = index + 1 < network->layers;
        const int relu = hidden && network->activation == ACTIVATION_relu && !layer->normalized && !passes->squares;
        VEC *sums = hidden && !relu ? layer->standard : layer->value;
        NAME(affine)(points, layer->fan_in, units, weight, bias, below, sums, relu);
        if (passes->squares) {
            passes->squares[index] = NAME(sum_of_squares)(points, units, sums, bias);
            passes->biases[index] = NAME(sum_of_squares)(1, units, bias, 0);
        }
        if (hidden && !relu) {
            if (layer->normalized) {
                const VEC *gain = parameters + layer->gain, *shift = parameters + layer->shift;
                NAME(standardize)(
                    network->normalization, points, units, reference, layer->standard, layer->scale, passes->sums);
                for (ptrdiff_t point = 0; point < points; point++)
                    for (ptrdiff_t unit = 0; unit < units; unit++) {
                        const ptrdiff_t place = point * units + unit;
                        layer->z[place] = layer->standard[place] * gain[unit] + shift[unit];
                    }
            }
            if (layer->value != layer->z)
                memcpy(layer->value, layer->z, points * units * sizeof(VEC));
            NAME(activate)(network->activation, network->parameter, layer->value, points * units);
        }
        if (hidden && network->residual) {
            if (layer->h != layer->value)
                memcpy(layer->h, layer->value, points * units * sizeof(VEC));
            const ptrdiff_t shared = index == 0 ? 0 : layer->fan_in < units ? layer->fan_in : units;
            for (ptrdiff_t point = 0; point < points; point++)
                for (ptrdiff_t unit = 0; unit < shared; unit++)
                    layer->h[point * units + unit] += below[point * layer->fan_in + unit];
        }
        if (passes->constant)
            passes->constant[index] = NAME(is_constant)(points, units, layer->h);
        below = layer->h;
    }
    return below;
}

/* Compute the gradient of the loss with respect to the outputs, of which `batch` points share the mean. */
static void NAME(loss_gradient)(
    const struct network *network, ptrdiff_t points, ptrdiff_t batch, const VEC *outputs, const VEC *labels, VEC *delta)
{
    const ptrdiff_t units = network->widths[network->layers];
    if (network->loss != CROSS_ENTROPY) {
        const REAL count = (REAL)(batch * units);
        for (ptrdiff_t place = 0; place < points * units; place++) {
            const VEC output = network->loss == HALF_SQUARE ? outputs[place] : NAME(sigmoid)(outputs[place]);
            delta[place] = (output - labels[place]) / count;
        }
        return;
    }
    for (ptrdiff_t point = 0; point < points; point++) {
        const VEC *row = outputs + point * units, *label = labels + point * units;
        VEC *to = delta + point * units, largest = row[0], sum = {0};
        for (ptrdiff_t unit = 1; unit < units; unit++)
            largest = NAME(select)(row[unit] > largest, row[unit], largest);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            sum += to[unit] = NAME(exp)(row[unit] - largest);
        for (ptrdiff_t unit = 0; unit < units; unit++)
            to[unit] = (to[unit] / sum - label[unit]) / (REAL)batch;
    }
}

/* Compute, or add if `add`, the gradient with respect to the parameters from that with respect to the outputs.
 *
 * The latter is in passes->delta[2]. Return the gradient with respect to the first layer's W x + b.
 */
static VEC *NAME(backward_tile)(
    struct NAME(passes) *passes, const VEC *parameters, ptrdiff_t points, int add, VEC *gradient)
{
    const struct network *network = passes->network;
    VEC *delta = passes->delta[2];
    ptrdiff_t skipped = 0;
    for (int index = network->layers - 1; index >= 0; index--) {
        const struct NAME(layer) *layer = passes->layers + index, *lower = layer - 1;
        const ptrdiff_t units = layer->fan_in;
        NAME(affine_gradient)(
            points, units, layer->fan_out, delta, index ? lower->h : passes->inputs, add, gradient + layer->weight,
            gradient + layer->bias, passes->sums);
        if (index == 0)
            break;
        VEC *pulled = passes->delta[index % 2];
        NAME(pull_back)(points, units, layer->fan_out, parameters + layer->weight, delta, pulled);
        for (ptrdiff_t point = 0; point < points; point++)
            for (ptrdiff_t unit = 0; unit < skipped; unit++)
                pulled[point * units + unit] += passes->skipped[point * skipped + unit];
        skipped = 0;
        if (network->residual && index > 1) {
            skipped = lower->fan_in < lower->fan_out ? lower->fan_in : lower->fan_out;
            for (ptrdiff_t point = 0; point < points; point++)
                memcpy(passes->skipped + point * skipped, pulled + point * units, skipped * sizeof(VEC));
        }
        NAME(backward)(
            network->activation, network->parameter, pulled, lower->z, lower->value, points * units);
        if (lower->normalized) {
            const VEC *gain = parameters + lower->gain;
            VEC *by_gain = gradient + lower->gain, *by_shift = gradient + lower->shift, *sums = passes->sums;
            NAME(sum_over_points)(points, units, pulled, lower->standard, add, by_gain, sums);
            NAME(sum_over_points)(points, units, pulled, 0, add, by_shift, sums);
            for (ptrdiff_t point = 0; point < points; point++)
                for (ptrdiff_t unit = 0; unit < units; unit++)
                    pulled[point * units + unit] *= gain[unit];
            NAME(standardize_backward)(
                network->normalization, points, units, pulled, lower->standard, lower->scale, sums);
        }
        delta = pulled;
    }
    return delta;
}

/* ---- What Python calls ---- */

/* Arrange arrays (networks, rows, columns) in groups, (groups, columns, rows, lane).
 *
 * The last network fills the lanes of the last group that would be empty.
 */
void NAME(pack)(ptrdiff_t networks, ptrdiff_t rows, ptrdiff_t columns, const REAL *from, REAL *to)
{
    for (ptrdiff_t first = 0; first < networks; first += LANES) {
        const REAL *own[LANES];
        for (int lane = 0; lane < LANES; lane++)
            own[lane] = from + (first + lane < networks ? first + lane : networks - 1) * rows * columns;
        for (ptrdiff_t column = 0; column < columns; column++)
            for (ptrdiff_t row = 0; row < rows; row++, to += LANES)
                for (int lane = 0; lane < LANES; lane++)
                    to[lane] = own[lane][row * columns + column];
    }
}

/* Undo `pack`. */
void NAME(unpack)(ptrdiff_t networks, ptrdiff_t rows, ptrdiff_t columns, const REAL *from, REAL *to)
{
    for (ptrdiff_t first = 0; first < networks; first += LANES, from += rows * columns * LANES)
        for (int lane = 0; lane < LANES && first + lane < networks; lane++)
            for (ptrdiff_t row = 0; row < rows; row++, to += columns)
                for (ptrdiff_t column = 0; column < columns; column++)
                    to[column] = from[(column * rows + row) * LANES + lane];
}

static ptrdiff_t NAME(count_parameters)(const struct network *network)
{
    ptrdiff_t count = 0;
    for (int index = 0; index < network->layers; index++) {
        const int normalized = index + 1 < network->layers && network->normalization != NONE;
        count += ((ptrdiff_t)network->widths[index] + (normalized ? 3 : 1)) * network->widths[index + 1];
    }
    return count;
}

/* Compute outputs, (groups, points, outputs, lane).
 *
 * `inputs` are (groups, points, inputs, lane) or, if `shared`, (points, inputs). Batch normalization takes its
 * statistics over the first `reference` points. Return 0, or 1 if there is no memory.
 */
int NAME(forward)(
    const struct network *network, ptrdiff_t groups, ptrdiff_t points, ptrdiff_t reference, int shared,
    const REAL *parameters, const REAL *inputs, REAL *outputs)
{
    struct NAME(passes) passes;
    const ptrdiff_t in = network->widths[0], out = network->widths[network->layers];
    const ptrdiff_t numbers = NAME(count_parameters)(network);
    if (!NAME(prepare)(&passes, network, NAME(tile_points)(network, points, 0), 0))
        return 1;
    for (ptrdiff_t group = 0; group < groups; group++) {
        const VEC *own = (const VEC *)parameters + group * numbers;
        for (ptrdiff_t start = 0; start < points; start += passes.tile) {
            const ptrdiff_t size = points - start < passes.tile ? points - start : passes.tile;
            if (shared)
                for (ptrdiff_t place = 0; place < size * in; place++)
                    passes.inputs[place] = NAME(splat)(inputs[start * in + place]);
            else
                memcpy(passes.inputs, (const VEC *)inputs + (group * points + start) * in, size * in * sizeof(VEC));
            const VEC *found = NAME(forward_tile)(&passes, own, size, reference);
            memcpy((VEC *)outputs + (group * points + start) * out, found, size * out * sizeof(VEC));
        }
    }
    free(passes.memory);
    return 0;
}

/* Inspect each layer at points that all networks share, (points, inputs).
 *
 * `squares` are the sums over points and units of (W h)^2, up to the rounding of W h + b, and `biases` those over units of
 * b^2. `constant` is 1 where the layer's output is the same at all points, else 0. All are (groups, layers, lane). Return 0,
 * or 1 if there is no memory.
 */
int NAME(inspect)(
    const struct network *network, ptrdiff_t groups, ptrdiff_t points, const REAL *parameters, const REAL *inputs,
    REAL *squares, REAL *biases, REAL *constant)
{
    struct NAME(passes) passes;
    const ptrdiff_t numbers = NAME(count_parameters)(network);
    if (!NAME(prepare)(&passes, network, points, 0))
        return 1;
    for (ptrdiff_t place = 0; place < points * network->widths[0]; place++)
        passes.inputs[place] = NAME(splat)(inputs[place]);
    for (ptrdiff_t group = 0; group < groups; group++) {
        passes.squares = (VEC *)squares + group * network->layers;
        passes.biases = (VEC *)biases + group * network->layers;
        passes.constant = (VEC *)constant + group * network->layers;
        NAME(forward_tile)(&passes, (const VEC *)parameters + group * numbers, points, points);
    }
    free(passes.memory);
    return 0;
}

/* Compute the gradient of the loss, (groups, parameters, lane), over all points.
 *
 * `inputs` and `labels` are (groups, points, inputs or outputs, lane). `by_input`, (groups, lane), is the sum over
 * points and inputs of the squared derivatives of the loss. Return 0, or 1 if there is no memory.
 */
int NAME(gradient)(
    const struct network *network, ptrdiff_t groups, ptrdiff_t points, const REAL *parameters, const REAL *inputs,
    const REAL *labels, REAL *gradient, REAL *by_input)
{
    struct NAME(passes) passes;
    const ptrdiff_t in = network->widths[0], out = network->widths[network->layers];
    const ptrdiff_t numbers = NAME(count_parameters)(network);
    if (!NAME(prepare)(&passes, network, NAME(tile_points)(network, points, 1), 1))
        return 1;
    for (ptrdiff_t group = 0; group < groups; group++) {
        const VEC *own = (const VEC *)parameters + group * numbers;
        VEC *to = (VEC *)gradient + group * numbers, sum = {0};
        for (ptrdiff_t start = 0; start < points; start += passes.tile) {
            const ptrdiff_t size = points - start < passes.tile ? points - start : passes.tile;
            const ptrdiff_t first = group * points + start;
            memcpy(passes.inputs, (const VEC *)inputs + first * in, size * in * sizeof(VEC));
            const VEC *found = NAME(forward_tile)(&passes, own, size, size);
            NAME(loss_gradient)(network, size, points, found, (const VEC *)labels + first * out, passes.delta[2]);
            const VEC *delta = NAME(backward_tile)(&passes, own, size, start > 0, to);
            NAME(pull_back)(size, in, passes.layers[0].fan_out, own, delta, passes.inputs);
            VEC *squares = passes.sums, of_tile = {0};
            NAME(sum_over_points)(size, in, passes.inputs, passes.inputs, 0, squares, squares + in);
            for (ptrdiff_t input = 0; input < in; input++)
                of_tile += squares[input];
            sum += of_tile;
        }
        ((VEC *)by_input)[group] = sum;
    }
    free(passes.memory);
    return 0;
}

/* Scale the gradient of each network down to a norm; one that is not a number becomes so as a whole. */
static void NAME(clip)(ptrdiff_t numbers, REAL clip, VEC *gradient)
{
    VEC square = {0};
    for (ptrdiff_t start = 0; start < numbers; start += SUM_POINTS) {
        const ptrdiff_t size = numbers - start < SUM_POINTS ? numbers - start : SUM_POINTS;
        square += NAME(sum_of_squares)(size, 1, gradient + start, 0);
    }
    const VEC one = NAME(splat)(1), share = clip / (NAME(root)(square) + (REAL)1e-6);
    const VEC scale = NAME(select)(share > one, one, share); /* keeps nan */
    for (ptrdiff_t place = 0; place < numbers; place++)
        gradient[place] *= scale;
}

/* Change the parameters by one step of the optimizer. */
static void NAME(update)(
    const struct optimizer *optimizer, ptrdiff_t numbers, int64_t step, VEC rate, const VEC *gradient, VEC *parameters,
    VEC *first, VEC *second)
{
    REAL decay = (REAL)optimizer->weight_decay;
    if (optimizer->decoupled) {
        const VEC left = 1 - rate * decay;
        for (ptrdiff_t place = 0; place < numbers; place++)
            parameters[place] *= left;
        decay = 0;
    }
    if (optimizer->moments == 2) {
        const REAL beta2 = (REAL)0.999, share1 = (REAL)(1 - 0.9), share2 = (REAL)(1 - 0.999);
        const VEC size = rate / (REAL)(1 - pow(0.9, (double)step));
        const REAL root = (REAL)sqrt(1 - pow(0.999, (double)step));
        for (ptrdiff_t place = 0; place < numbers; place++) {
            const VEC slope = gradient[place] + decay * parameters[place];
            first[place] += share1 * (slope - first[place]);
            second[place] = beta2 * second[place] + share2 * slope * slope;
            parameters[place] -= size * first[place] / (NAME(root)(second[place]) / root + (REAL)1e-8);
        }
        return;
    }
    const REAL momentum = (REAL)optimizer->momentum;
    for (ptrdiff_t place = 0; place < numbers; place++) {
        VEC slope = gradient[place] + decay * parameters[place];
        if (optimizer->moments == 1)
            slope = first[place] = momentum * first[place] + slope;
        parameters[place] -= rate * slope;
    }
}

/* Train all networks for some steps, in place.
 *
 * `order`, (steps, batch), has the points of each batch. `inputs` and `labels` are (groups, points, inputs or outputs,
 * lane), `rates` are (groups, lane), and `factors`, (steps), multiply them. `first` and `second`, of the shape of the
 * parameters, are the optimizer's moments, which are 0 before the first step; SGD uses `first` if it has momentum. `done`
 * steps were done before. Return 0, or 1 if there is no memory.
 */
int NAME(train)(
    const struct network *network, const struct optimizer *optimizer, ptrdiff_t groups, ptrdiff_t points,
    ptrdiff_t done, ptrdiff_t steps, ptrdiff_t batch, const int64_t *order, const double *factors, const REAL *rates,
    REAL *parameters, const REAL *inputs, const REAL *labels, REAL *first, REAL *second)
{
    struct NAME(passes) passes;
    const ptrdiff_t in = network->widths[0], out = network->widths[network->layers];
    const ptrdiff_t numbers = NAME(count_parameters)(network);
    if (!NAME(prepare)(&passes, network, NAME(tile_points)(network, batch, 1), 1))
        return 1;
    VEC *gradient = aligned_alloc(VECTOR_BYTES, numbers * sizeof(VEC));
    if (!gradient) {
        free(passes.memory);
        return 1;
    }
    for (ptrdiff_t group = 0; group < groups; group++) {
        VEC *own = (VEC *)parameters + group * numbers;
        const VEC *data = (const VEC *)inputs + group * points * in, *marks = (const VEC *)labels + group * points * out;
        VEC *moment = (VEC *)first + group * numbers, *square = (VEC *)second + group * numbers;
        for (ptrdiff_t step = 0; step < steps; step++) {
            for (ptrdiff_t start = 0; start < batch; start += passes.tile) {
                const ptrdiff_t size = batch - start < passes.tile ? batch - start : passes.tile;
                for (ptrdiff_t place = 0; place < size; place++) {
                    const int64_t point = order[step * batch + start + place];
                    memcpy(passes.inputs + place * in, data + point * in, in * sizeof(VEC));
                    memcpy(passes.labels + place * out, marks + point * out, out * sizeof(VEC));
                }
                const VEC *found = NAME(forward_tile)(&passes, own, size, size);
                NAME(loss_gradient)(network, size, batch, found, passes.labels, passes.delta[2]);
                NAME(backward_tile)(&passes, own, size, start > 0, gradient);
            }
            if (optimizer->clip > 0)
                NAME(clip)(numbers, (REAL)optimizer->clip, gradient);
            const VEC rate = ((const VEC *)rates)[group] * (REAL)factors[step];
            NAME(update)(optimizer, numbers, done + step + 1, rate, gradient, own, moment, square);
        }
    }
    free(gradient);
    free(passes.memory);
    return 0;
}
