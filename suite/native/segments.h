/* Segments of lines through piecewise-linear networks, in double precision.
 *
 * A line is a sequence of segments on which all units are linear. Each has two rows: the units' values at its left end,
 * and their slopes. Rows are padded with zeros to whole vectors. Each network and each line is computed alone, always
 * by the same operations. suite/nets/breakpoints.py defines the numbers, and says why there are tolerances.
 */
#include <stdlib.h>
#include <string.h>

#define LINE_LANES (VECTOR_BYTES / 8)
typedef double line_vector __attribute__((vector_size(8 * LINE_LANES), may_alias));
typedef int64_t line_mask __attribute__((vector_size(8 * LINE_LANES), may_alias));

/* Networks of one architecture: their parameters, `row` numbers apart, are each layer's weights by row and biases. */
typedef struct {
    int64_t draws, row, layers; /* layers: the hidden ones and the readout */
    const int64_t *widths;      /* layers + 1 of them */
    const double *parameters;
} line_networks;

/* A piecewise-linear activation: slopes[i] z + offsets[i] between the kinks i - 1 and i. */
typedef struct {
    int64_t count;
    const double *kinks, *slopes, *offsets, *at_kinks; /* at_kinks: the slopes at the kinks themselves */
    double at_nan;                                     /* the slope at nan */
    int64_t selects;                                   /* whether slope 0 times infinity is 0, not nan */
} line_activation;

/* Length of all lines, the distance from an end of a segment within which crossings do not count, the change of slope
 * that does not count as a kink, and the distance from a kink that is rounding. The last two are shares.
 */
typedef struct {
    double length, reach, slope, snap;
} line_tolerances;

/* Memory that grows, aligned to cache lines. */
typedef struct {
    void *block;
    double *data;
    size_t room;
} line_buffer;

typedef struct {
    double place;
    int64_t segment, kink, unit;
} line_crossing;

/* The segments of a line, after a layer's weights or after its activation. */
typedef struct {
    size_t count, padded; /* padded: numbers in a row */
    line_buffer left, rows;
} line_segments;

typedef struct {
    line_segments now, next; /* after the activation below; after the weights */
    line_crossing *crossings;
    size_t found, room;
    double **weights, **biases; /* transposed weights of each layer */
    line_buffer parameters, readout, outputs, changes, activated, reach, sorted, intervals;
} line_work;

static inline size_t line_padded(int64_t width) { return ((size_t)width + LINE_LANES - 1) / LINE_LANES * LINE_LANES; }

static inline line_vector line_select(line_mask mask, line_vector yes, line_vector no) {
    return (line_vector)(((line_mask)yes & mask) | ((line_mask)no & ~mask));
}

static inline line_vector line_all(double number) { return number - (line_vector){0}; }

/* Make room for rows of numbers, and lose what was there; return whether there is no memory. */
static int line_reserve(line_buffer *buffer, size_t rows, size_t row) {
    size_t numbers, bytes;
    if (__builtin_mul_overflow(rows, row, &numbers) || numbers > SIZE_MAX / 32) return 1;
    if (numbers <= buffer->room && buffer->block) return 0;
    bytes = 2 * numbers * sizeof(double) + 64; /* twice, so that it seldom grows */
    free(buffer->block);
    buffer->room = 0;
    if (!(buffer->block = malloc(bytes))) return 1;
    buffer->data = (double *)(((uintptr_t)buffer->block + 63) & ~(uintptr_t)63);
    buffer->room = 2 * numbers;
    return 0;
}

static int line_add_crossing(line_work *work, line_crossing crossing) {
    if (work->found == work->room) {
        size_t room = 2 * work->room + 64;
        line_crossing *more =
            room > SIZE_MAX / sizeof *more ? NULL : realloc(work->crossings, room * sizeof *more);
        if (!more) return 1;
        work->crossings = more;
        work->room = room;
    }
    work->crossings[work->found++] = crossing;
    return 0;
}

static inline int line_comes_after(const line_crossing *one, const line_crossing *other) {
    if (one->place != other->place) return one->place > other->place;
    return one->kink != other->kink ? one->kink > other->kink : one->unit > other->unit;
}

/* The interval of `count` equal ones in which a place lies. */
static inline size_t line_interval(double place, double scale, size_t count) {
    size_t interval = (size_t)(place * scale);
    return interval < count ? interval : count - 1;
}

/* Sort crossings along the line by Shell's method, with Ciura's gaps; no two are equal. */
static void line_sort(line_crossing *crossings, size_t count) {
    static const size_t gaps[] = {86961, 33936, 13776, 4592, 1968, 861, 336, 112, 48, 21, 7, 3, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (size_t i = gaps[g]; i < count; i++) {
            line_crossing moved = crossings[i];
            size_t j = i;
            for (; j >= gaps[g] && line_comes_after(&crossings[j - gaps[g]], &moved); j -= gaps[g])
                crossings[j] = crossings[j - gaps[g]];
            crossings[j] = moved;
        }
}

/* Sort the crossings of a segment, which begin at `first`; many are put into as many equal intervals before. */
static int line_sort_segment(line_work *work, size_t first, double left, double width) {
    size_t count = work->found - first;
    if (count > 24) {
        if (line_reserve(&work->sorted, count, sizeof(line_crossing) / sizeof(double)) ||
            line_reserve(&work->intervals, 1, count + 1))
            return 1;
        line_crossing *crossings = work->crossings + first, *sorted = (line_crossing *)work->sorted.data;
        double *begin = work->intervals.data, scale = (double)count / width;
        memset(begin, 0, (count + 1) * sizeof(double));
        for (size_t i = 0; i < count; i++) begin[line_interval(crossings[i].place - left, scale, count) + 1] += 1;
        for (size_t i = 0; i < count; i++) begin[i + 1] += begin[i];
        for (size_t i = 0; i < count; i++)
            sorted[(size_t)begin[line_interval(crossings[i].place - left, scale, count)]++] = crossings[i];
        memcpy(crossings, sorted, count * sizeof *sorted);
    }
    line_sort(work->crossings + first, count);
    return 0;
}

/* Multiply some rows by some columns of the transposed weights; every other row is of values, which have biases. */
static inline __attribute__((always_inline)) void line_multiply(const double *x, size_t x_padded, int64_t inputs,
                                                                const double *weight, const double *bias, double *z,
                                                                size_t padded, const int rows, const int vectors) {
    line_vector sum[4][3];
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < vectors; j++)
            sum[r][j] = r % 2 ? (line_vector){0} : *(const line_vector *)(bias + j * LINE_LANES);
    for (int64_t k = 0; k < inputs; k++)
        for (int j = 0; j < vectors; j++) {
            line_vector column = *(const line_vector *)(weight + k * padded + j * LINE_LANES);
            for (int r = 0; r < rows; r++) sum[r][j] += x[r * x_padded + k] * column;
        }
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < vectors; j++) *(line_vector *)(z + r * padded + j * LINE_LANES) = sum[r][j];
}

static inline __attribute__((always_inline)) void line_multiply_all(const line_segments *from, int64_t inputs,
                                                                    const double *weight, const double *bias,
                                                                    line_segments *to, size_t first,
                                                                    const int vectors) {
    const double *x = from->rows.data;
    double *z = to->rows.data + first;
    size_t s = 0;
    for (; s + 2 <= from->count; s += 2, x += 4 * from->padded, z += 4 * to->padded)
        line_multiply(x, from->padded, inputs, weight + first, bias + first, z, to->padded, 4, vectors);
    if (s < from->count)
        line_multiply(x, from->padded, inputs, weight + first, bias + first, z, to->padded, 2, vectors);
}

/* Compute the segments after the weights and biases of a layer. */
static int line_affine(line_work *work, int64_t inputs, int64_t outputs, int64_t layer) {
    line_segments *from = &work->now, *to = &work->next;
    to->count = from->count;
    to->padded = line_padded(outputs);
    if (line_reserve(&to->left, 1, to->count) || line_reserve(&to->rows, 2 * to->count, to->padded)) return 1;
    memcpy(to->left.data, from->left.data, to->count * sizeof(double));
    const double *weight = work->weights[layer], *bias = work->biases[layer];
    size_t first = 0;
    for (; first + 3 * LINE_LANES <= to->padded; first += 3 * LINE_LANES)
        line_multiply_all(from, inputs, weight, bias, to, first, 3);
    if (first + 2 * LINE_LANES == to->padded) line_multiply_all(from, inputs, weight, bias, to, first, 2);
    if (first + LINE_LANES == to->padded) line_multiply_all(from, inputs, weight, bias, to, first, 1);
    return 0;
}

static inline double line_right(const line_segments *segments, size_t s, double length) {
    return s + 1 < segments->count ? segments->left.data[s + 1] : length;
}

static inline int line_any_crosses(const double *row, size_t padded, double width, const line_activation *phi) {
    line_mask any = {0};
    for (size_t u = 0; u < padded; u += LINE_LANES) {
        line_vector value = *(const line_vector *)(row + u), slope = *(const line_vector *)(row + padded + u);
        line_vector right = value + slope * width;
        for (int64_t k = 0; k < phi->count; k++)
            any |= (value - phi->kinks[k]) * (right - phi->kinks[k]) < (line_vector){0};
    }
    int64_t found = 0;
    for (int i = 0; i < LINE_LANES; i++) found |= any[i];
    return found != 0;
}

/* Find where units cross kinks, segment by segment in the order along the line. */
static int line_find_crossings(line_work *work, int64_t units, const line_activation *phi, line_tolerances at) {
    const line_segments *segments = &work->next;
    work->found = 0;
    for (size_t s = 0; s < segments->count; s++) {
        const double *value = segments->rows.data + 2 * s * segments->padded, *slope = value + segments->padded;
        double left = segments->left.data[s], right = line_right(segments, s, at.length), width = right - left;
        if (!line_any_crosses(value, segments->padded, width, phi)) continue;
        size_t first = work->found;
        for (int64_t k = 0; k < phi->count; k++)
            for (int64_t u = 0; u < units; u++) {
                double end = value[u] + slope[u] * width;
                if (!((value[u] - phi->kinks[k]) * (end - phi->kinks[k]) < 0)) continue;
                double distance = (phi->kinks[k] - value[u]) / slope[u];
                if (!(distance > at.reach && distance < width - at.reach)) continue;
                double place = left + distance;
                place = place < left ? left : place > right ? right : place;
                if (line_add_crossing(work, (line_crossing){place, (int64_t)s, k, u})) return 1;
            }
        if (line_sort_segment(work, first, left, width)) return 1;
    }
    return 0;
}

/* Split the segments at the crossings. */
static int line_split(line_work *work) {
    const line_segments *from = &work->next;
    line_segments *to = &work->now;
    size_t padded = from->padded, total = from->count + work->found;
    to->count = total;
    to->padded = padded;
    if (line_reserve(&to->left, 1, total) || line_reserve(&to->rows, 2 * total, padded)) return 1;
    double *left = to->left.data, *z = to->rows.data;
    const line_crossing *crossing = work->crossings, *end = crossing + work->found;
    const double *row = from->rows.data;
    for (size_t s = 0; s < from->count; s++, row += 2 * padded) {
        *left++ = from->left.data[s];
        for (size_t i = 0; i < 2 * padded; i += LINE_LANES) *(line_vector *)(z + i) = *(const line_vector *)(row + i);
        z += 2 * padded;
        for (; crossing < end && crossing->segment == (int64_t)s; crossing++, z += 2 * padded) {
            double offset = crossing->place - from->left.data[s];
            *left++ = crossing->place;
            for (size_t i = 0; i < padded; i += LINE_LANES) {
                line_vector slope = *(const line_vector *)(row + padded + i);
                *(line_vector *)(z + i) = *(const line_vector *)(row + i) + slope * offset;
                *(line_vector *)(z + padded + i) = slope;
            }
        }
    }
    return 0;
}

/* Set values that differ from a kink by rounding to the kink. */
static int line_snap(line_work *work, const line_activation *phi, line_tolerances at) {
    line_segments *segments = &work->now;
    size_t padded = segments->padded;
    if (line_reserve(&work->reach, 1, padded)) return 1;
    for (size_t u = 0; u < padded; u++) {
        double largest = 0;
        for (size_t s = 0; s < segments->count; s++) {
            double size = fabs(segments->rows.data[2 * s * padded + u]);
            if (size > largest || size != size) largest = size; /* nan stays, since nothing is larger */
        }
        work->reach.data[u] = at.snap * largest;
    }
    for (size_t s = 0; s < segments->count; s++)
        for (int64_t k = 0; k < phi->count; k++)
            for (size_t u = 0; u < padded; u++) {
                double *value = segments->rows.data + 2 * s * padded + u;
                if (fabs(*value - phi->kinks[k]) <= work->reach.data[u]) *value = phi->kinks[k];
            }
    return 0;
}

static inline __attribute__((always_inline)) line_vector line_slope_of(const line_activation *phi, line_vector z,
                                                                       const int64_t count) {
    line_vector slope = line_all(phi->slopes[0]);
    for (int64_t k = 0; k < count; k++) {
        slope = line_select(z > phi->kinks[k], line_all(phi->slopes[k + 1]), slope);
        slope = line_select(z == phi->kinks[k], line_all(phi->at_kinks[k]), slope);
    }
    return line_select(z == z, slope, line_all(phi->at_nan));
}

static inline __attribute__((always_inline)) line_vector line_piece(const line_activation *phi, line_vector z,
                                                                    int64_t piece) {
    if (phi->slopes[piece] == 0) return line_all(phi->offsets[piece]); /* also where z is infinite */
    return phi->slopes[piece] * z + phi->offsets[piece];
}

static inline __attribute__((always_inline)) line_vector line_phi_of(const line_activation *phi, line_vector z,
                                                                     const int64_t count) {
    line_vector value = line_piece(phi, z, 0);
    for (int64_t k = 0; k < count; k++) value = line_select(z >= phi->kinks[k], line_piece(phi, z, k + 1), value);
    return line_select(z == z, value, z);
}

static inline __attribute__((always_inline)) void line_activate_all(line_segments *segments, double length,
                                                                    const line_activation *phi,
                                                                    const int64_t count) {
    size_t padded = segments->padded;
    double *row = segments->rows.data;
    line_mask selects = (line_mask){0} - phi->selects;
    for (size_t s = 0; s < segments->count; s++, row += 2 * padded) {
        double half = (line_right(segments, s, length) - segments->left.data[s]) / 2;
        for (size_t u = 0; u < padded; u += LINE_LANES) {
            line_vector *value = (line_vector *)(row + u), *slope = (line_vector *)(row + padded + u);
            line_vector steepness = line_slope_of(phi, *value + *slope * half, count);
            line_mask flat = (steepness == (line_vector){0}) & selects;
            *slope = (line_vector)((line_mask)(*slope * steepness) & ~flat);
            *value = line_phi_of(phi, *value, count);
        }
    }
}

/* Apply the activation, whose slope is that at the middle of each segment. */
static void line_activate(line_segments *segments, double length, const line_activation *phi) {
    if (phi->count == 1)
        line_activate_all(segments, length, phi, 1);
    else
        line_activate_all(segments, length, phi, phi->count);
}

/* Start a line as one segment of the inputs. */
static int line_start(line_work *work, int64_t inputs, const double *start, const double *direction) {
    line_segments *segments = &work->now;
    segments->count = 1;
    segments->padded = line_padded(inputs);
    if (line_reserve(&segments->left, 1, 1) || line_reserve(&segments->rows, 2, segments->padded)) return 1;
    segments->left.data[0] = 0;
    memset(segments->rows.data, 0, 2 * segments->padded * sizeof(double));
    memcpy(segments->rows.data, start, (size_t)inputs * sizeof(double));
    memcpy(segments->rows.data + segments->padded, direction, (size_t)inputs * sizeof(double));
    return 0;
}

/* Copy a network's hidden layers transposed, and its readout by row, all padded with zeros. */
static int line_load(line_work *work, const line_networks *networks, const double *parameters) {
    int64_t hidden = networks->layers - 1;
    size_t total = 0, more;
    for (int64_t layer = 0; layer < hidden; layer++) {
        size_t inputs = (size_t)networks->widths[layer], row = line_padded(networks->widths[layer + 1]);
        if (__builtin_mul_overflow(inputs + 1, row, &more) || __builtin_add_overflow(total, more, &total)) return 1;
    }
    size_t padded = line_padded(networks->widths[hidden]), outputs = (size_t)networks->widths[hidden + 1];
    if (line_reserve(&work->parameters, 1, total) || line_reserve(&work->readout, outputs, padded)) return 1;
    memset(work->parameters.data, 0, total * sizeof(double));
    double *to = work->parameters.data;
    for (int64_t layer = 0; layer < hidden; layer++) {
        int64_t inputs = networks->widths[layer], units = networks->widths[layer + 1];
        size_t row = line_padded(units);
        work->weights[layer] = to;
        for (int64_t u = 0; u < units; u++)
            for (int64_t k = 0; k < inputs; k++) to[k * row + u] = *parameters++;
        to += (size_t)inputs * row;
        work->biases[layer] = to;
        for (int64_t u = 0; u < units; u++) to[u] = *parameters++;
        to += row;
    }
    memset(work->readout.data, 0, outputs * padded * sizeof(double));
    for (size_t o = 0; o < outputs; o++, parameters += networks->widths[hidden])
        memcpy(work->readout.data + o * padded, parameters, (size_t)networks->widths[hidden] * sizeof(double));
    return 0;
}

/* Allocate what every call needs; work is zero before. */
static int line_open(line_work *work, int64_t layers) {
    work->weights = calloc((size_t)layers, sizeof *work->weights);
    work->biases = calloc((size_t)layers, sizeof *work->biases);
    return !work->weights || !work->biases;
}

static void line_close(line_work *work) {
    line_buffer *buffers[] = {&work->now.left,   &work->now.rows, &work->next.left, &work->next.rows, &work->parameters,
                              &work->readout,    &work->outputs,  &work->changes,   &work->activated, &work->reach,
                              &work->sorted, &work->intervals};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]->block);
    free(work->crossings);
    free(work->weights);
    free(work->biases);
}
