/* Exact kinks and ranges of piecewise-linear networks along lines, in double precision. */
#include "segments.h"

/* The outputs' slopes along a line, node after node. A node is a left end of a segment or a crossing. */
typedef struct {
    size_t outputs, nodes;
    double *slope, *merged, *total; /* after the last node; after the last node of a segment that is not short; TV */
    double *changes;                /* the largest change of any output at each node */
    double place, steepest;
} line_slopes;

/* End the last node at a place; a segment that is short up to rounding does not count. */
static void line_end_node(line_slopes *slopes, double place, double reach) {
    int real = place - slopes->place > reach;
    double largest = 0;
    for (size_t o = 0; o < slopes->outputs; o++) {
        double before = slopes->nodes ? slopes->merged[o] : slopes->slope[o];
        double after = real ? slopes->slope[o] : before;
        if (slopes->nodes) {
            double change = fabs(after - before) * real; /* nan if the slopes are infinite or nan */
            slopes->total[o] += change;
            if (change > largest) largest = change;
        }
        slopes->merged[o] = after;
        double steepness = fabs(slopes->slope[o]) * real;
        if (steepness > slopes->steepest || steepness != steepness) slopes->steepest = steepness;
    }
    slopes->changes[slopes->nodes++] = largest;
}

/* The outputs' slopes at the start of a segment of the last hidden layer, which is not split. */
static inline __attribute__((always_inline)) void line_slopes_at(line_work *work, int64_t units, const double *row,
                                                                 double half, const line_activation *phi,
                                                                 const int64_t count, line_slopes *slopes) {
    size_t padded = work->next.padded;
    double *activated = work->activated.data;
    for (size_t u = 0; u < padded; u += LINE_LANES) {
        line_vector value = *(const line_vector *)(row + u), slope = *(const line_vector *)(row + padded + u);
        *(line_vector *)(activated + u) = line_slope_of(phi, value + slope * half, count) * slope;
    }
    for (size_t u = (size_t)units; u < padded; u++) activated[u] = 0; /* nan if slopes below are infinite */
    for (size_t o = 0; o < slopes->outputs; o++) {
        const double *weights = work->readout.data + o * padded;
        line_vector sum = {0};
        for (size_t u = 0; u < padded; u += LINE_LANES)
            sum += *(const line_vector *)(weights + u) * *(line_vector *)(activated + u);
        slopes->slope[o] = 0;
        for (int i = 0; i < LINE_LANES; i++) slopes->slope[o] += sum[i];
    }
}

/* Compute TV(f') and the number of kinks of a line from the pre-activations of the last hidden layer. */
static int line_count(line_work *work, int64_t units, int64_t outputs, const line_activation *phi, line_tolerances at,
                      double *variation, double *number) {
    const line_segments *segments = &work->next;
    size_t padded = segments->padded;
    if (line_reserve(&work->outputs, 3, (size_t)outputs) || line_reserve(&work->activated, 1, padded) ||
        line_reserve(&work->changes, 1, segments->count + work->found))
        return 1;
    memset(work->outputs.data, 0, 3 * (size_t)outputs * sizeof(double));
    double *slope = work->outputs.data;
    line_slopes slopes = {(size_t)outputs, 0, slope, slope + outputs, slope + 2 * outputs, work->changes.data, 0, 0};
    const line_crossing *crossing = work->crossings, *end = crossing + work->found;
    for (size_t s = 0; s < segments->count; s++) {
        const double *row = segments->rows.data + 2 * s * padded;
        double left = segments->left.data[s], right = line_right(segments, s, at.length);
        if (crossing < end && crossing->segment == (int64_t)s) right = crossing->place;
        if (s) line_end_node(&slopes, left, at.reach);
        slopes.place = left;
        if (phi->count == 1)
            line_slopes_at(work, units, row, (right - left) / 2, phi, 1, &slopes);
        else
            line_slopes_at(work, units, row, (right - left) / 2, phi, phi->count, &slopes);
        for (; crossing < end && crossing->segment == (int64_t)s; crossing++) {
            line_end_node(&slopes, crossing->place, at.reach);
            slopes.place = crossing->place;
            double jump = phi->slopes[crossing->kink + 1] - phi->slopes[crossing->kink];
            double steepness = fabs(row[padded + crossing->unit]);
            for (size_t o = 0; o < slopes.outputs; o++)
                slopes.slope[o] += jump * work->readout.data[o * padded + crossing->unit] * steepness;
        }
    }
    line_end_node(&slopes, at.length, at.reach);
    double sum = 0, kinks = 0;
    for (size_t o = 0; o < slopes.outputs; o++) sum += slopes.total[o];
    for (size_t i = 0; i < slopes.nodes; i++) kinks += slopes.changes[i] > at.slope * slopes.steepest;
    *variation = sum / (double)outputs;
    *number = sum != sum ? sum : kinks;
    return 0;
}

/* Write TV(f'), averaged over outputs, and the number of kinks of every network along every line, (draws, lines).
 *
 * Return 0, or 1 if memory is lacking.
 */
int line_kinks(const line_networks *networks, const line_activation *phi, const double *starts,
               const double *directions, int64_t lines, const line_tolerances *tolerances, double *variation,
               double *number) {
    const int64_t *widths = networks->widths, hidden = networks->layers - 1;
    line_work work = {0};
    int failed = line_open(&work, networks->layers);
    for (int64_t draw = 0; draw < networks->draws && !failed; draw++) {
        failed = line_load(&work, networks, networks->parameters + draw * networks->row);
        for (int64_t line = 0; line < lines && !failed; line++) {
            failed = line_start(&work, widths[0], starts + line * widths[0], directions + line * widths[0]);
            for (int64_t layer = 0; layer < hidden && !failed; layer++) {
                failed = line_affine(&work, widths[layer], widths[layer + 1], layer) ||
                         line_find_crossings(&work, widths[layer + 1], phi, *tolerances);
                if (failed || layer == hidden - 1) break;
                failed = line_split(&work);
                if (!failed) line_activate(&work.now, tolerances->length, phi);
            }
            failed = failed || line_count(&work, widths[hidden], widths[hidden + 1], phi, *tolerances,
                                          variation + draw * lines + line, number + draw * lines + line);
        }
    }
    line_close(&work);
    return failed;
}

/* Write the smallest and largest value of each unit at the segments' ends; nan if any of them is nan. */
static void line_extremes(const line_segments *segments, int64_t units, double length, double *low, double *high) {
    const double *rows = segments->rows.data;
    size_t padded = segments->padded, last = segments->count - 1;
    for (int64_t u = 0; u < units; u++) {
        const double *end = rows + 2 * last * padded + u;
        low[u] = high[u] = end[0] + end[padded] * (length - segments->left.data[last]);
    }
    for (size_t s = 0; s < segments->count; s++)
        for (int64_t u = 0; u < units; u++) {
            double value = rows[2 * s * padded + u];
            low[u] = value < low[u] || value != value ? value : low[u];
            high[u] = value > high[u] || value != value ? value : high[u];
        }
}

/* Write the smallest and the largest pre-activation of every hidden unit along every line, (draws, lines, units).
 *
 * Return 0, or 1 if memory is lacking.
 */
int line_ranges(const line_networks *networks, const line_activation *phi, const double *starts,
                const double *directions, int64_t lines, const line_tolerances *tolerances, double *low,
                double *high) {
    const int64_t *widths = networks->widths, hidden = networks->layers - 1;
    line_work work = {0};
    int failed = line_open(&work, networks->layers);
    for (int64_t draw = 0; draw < networks->draws && !failed; draw++) {
        failed = line_load(&work, networks, networks->parameters + draw * networks->row);
        for (int64_t line = 0; line < lines && !failed; line++) {
            failed = line_start(&work, widths[0], starts + line * widths[0], directions + line * widths[0]);
            for (int64_t layer = 0; layer < hidden && !failed; layer++) {
                if ((failed = line_affine(&work, widths[layer], widths[layer + 1], layer))) break;
                line_extremes(&work.next, widths[layer + 1], tolerances->length, low, high);
                low += widths[layer + 1];
                high += widths[layer + 1];
                if (layer == hidden - 1) break;
                failed = line_find_crossings(&work, widths[layer + 1], phi, *tolerances) || line_split(&work) ||
                         line_snap(&work, phi, *tolerances);
                if (!failed) line_activate(&work.now, tolerances->length, phi);
            }
        }
    }
    line_close(&work);
    return failed;
}
