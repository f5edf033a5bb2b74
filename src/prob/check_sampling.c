/* SPDX-License-Identifier: MIT
 * The statistics of the self-check: independent batch gradients at one point must average to
 * the whole gradient and have the second moment that the problem claims.
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prob/check.h"

enum {
    BATCHES = 4096
};

/* Standard errors are not believed below this share of the largest: a coordinate that almost
 * never takes part (a pixel inked once in 60,000 images) shows no variance in a sample. */
static const double mean_floor = 1e-2;
static const double moment_floor = 1e-3;

static double *stats_of(const uns_check *check, size_t functional) {
    return check->stats + functional * UNS_CHECK_STATS;
}

/* A coordinate, or the projection on a random direction. */
static double functional_of(const uns_check *check, size_t functional, const double *g,
                            size_t stride) {
    if (functional < check->d)
        return g[functional * stride];
    const double *form = check->forms + (functional - check->d) * check->d;
    double sum = 0.0;
    for (size_t k = 0; k < check->d; k++)
        sum += form[k] * g[k * stride];
    return sum;
}

static void observe(uns_check *check, const double *g, size_t stride) {
    for (size_t i = 0; i < check->d + UNS_CHECK_FORMS; i++) {
        double q = functional_of(check, i, g, stride), *stats = stats_of(check, i);
        double delta = q - check->whole[i], spread = delta * delta, square = q * q;
        stats[0] += delta;
        stats[1] += spread;
        stats[2] += spread * spread;
        stats[3] += square;
        stats[4] += square * square;
    }
}

/* Replica and step both change from batch to batch, so that batches of a shuffled sum come from
 * different permutations and are independent. */
static uns_status draw_batches(uns_check *check) {
    size_t replicas = check->many.replicas;
    for (size_t k = 0; k < check->d; k++)
        for (size_t r = 0; r < replicas; r++)
            check->points[k * replicas + r] = check->point[k];
    for (size_t n = 0; n < BATCHES; n += replicas) {
        uns_batch batch = uns_check_draw(check, 16 + n / replicas, (uint32_t)n);
        UNS_TRY(
            uns_check_gradient(check, &check->many, &batch, check->points, check->gradients));
        for (size_t r = 0; r < replicas && n + r < BATCHES; r++)
            observe(check, check->gradients + r, replicas);
    }
    return UNS_OK;
}

/* Standard error of a mean from the sums of its values and of their squares. */
static double standard_error(double sum, double squares) {
    double mean = sum / BATCHES, variance = squares / BATCHES - mean * mean;
    return sqrt(fmax(variance, 0.0) / BATCHES);
}

/* Root mean square of gap/error over the functionals [0, count). `find` gives one of them; what
 * rounding alone explains (1e-12 of the size) counts as no gap. */
typedef struct gauge {
    double gap, error, size;
} gauge;

typedef gauge find_gauge(const uns_check *check, size_t functional, double claim);

static double root_mean_square(const uns_check *check, size_t count, const double *claims,
                               double floor, find_gauge *find) {
    double largest = 0.0, sum = 0.0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, find(check, i, claims ? claims[i] : 0.0).error);
    for (size_t i = 0; i < count; i++) {
        gauge at = find(check, i, claims ? claims[i] : 0.0);
        double error = fmax(at.error, fmax(floor * largest, 1e-12 * at.size));
        double sigmas = at.gap == 0.0 ? 0.0 : at.gap / error;
        sum += sigmas * sigmas;
    }
    return sqrt(sum / (double)count);
}

static gauge mean_gauge(const uns_check *check, size_t i, double claim) {
    const double *stats = stats_of(check, i);
    (void)claim;
    return (gauge){fabs(stats[0]) / BATCHES, standard_error(stats[0], stats[1]),
                   fabs(check->whole[i])};
}

static gauge covariance_gauge(const uns_check *check, size_t i, double claim) {
    const double *stats = stats_of(check, i);
    return (gauge){fabs(stats[1] / BATCHES - claim), standard_error(stats[1], stats[2]), claim};
}

static gauge square_gauge(const uns_check *check, size_t i, double claim) {
    const double *stats = stats_of(check, i);
    return (gauge){fabs(stats[3] / BATCHES - claim), standard_error(stats[3], stats[4]), claim};
}

/* The last replica's claim, coordinate by coordinate. */
static void read_diagonal(const uns_check *check, double *claims) {
    size_t replicas = check->many.replicas;
    for (size_t k = 0; k < check->d; k++)
        claims[k] = check->moment[k * replicas + replicas - 1];
}

/* vᵀCv of the last replica's matrix for the axes and the random directions. */
static void read_dense(const uns_check *check, double *claims) {
    size_t d = check->d;
    const double *matrix = check->moment + (check->many.replicas - 1) * d * d;
    for (size_t i = 0; i < d; i++)
        claims[i] = matrix[i * d + i];
    for (size_t i = 0; i < UNS_CHECK_FORMS; i++) {
        const double *form = check->forms + i * d;
        claims[d + i] = 0.0;
        for (size_t k = 0; k < d * d; k++)
            claims[d + i] += form[k / d] * matrix[k] * form[k % d];
    }
}

static uns_status ask(uns_check *check, uns_about about, uns_shape shape) {
    uns_eval eval = uns_check_eval(check, &check->many, NULL, check->points);
    void *dense[1] = {check->moment};
    uns_tensors out = {dense, 1};
    if (shape == UNS_SHAPE_DIAGONAL) {
        uns_layout_spread(check->many.layout, check->moment, check->many.out);
        out = (uns_tensors){check->many.out, check->blocks};
    }
    return check->ops->second_moment(check->self, &eval, UNS_CHECK_BATCH, about, shape, out);
}

/* One claim against the samples; the error stays as it is where the problem does not know. */
static uns_status check_moment(uns_check *check, uns_about about, uns_shape shape,
                               double *error) {
    uns_status status = ask(check, about, shape);
    if (status == UNS_ERROR_UNAVAILABLE)
        return UNS_OK;
    UNS_TRY(status);
    double *claims = check->claims;
    size_t count = check->d;
    if (shape == UNS_SHAPE_DENSE) {
        read_dense(check, claims);
        count += UNS_CHECK_FORMS;
    } else {
        read_diagonal(check, claims);
    }
    double found =
        root_mean_square(check, count, claims, moment_floor,
                         about == UNS_ABOUT_COVARIANCE ? covariance_gauge : square_gauge);
    if (isnan(*error) || !(found <= *error))
        *error = isnan(found) ? INFINITY : found;
    return UNS_OK;
}

static uns_status prepare(uns_check *check) {
    for (size_t i = 0; i < UNS_CHECK_FORMS; i++)
        uns_check_direction(check, 16 + i, check->forms + i * check->d);
    UNS_TRY(uns_check_gradient(check, &check->one, NULL, check->point, check->gradient));
    for (size_t i = 0; i < check->d + UNS_CHECK_FORMS; i++)
        check->whole[i] = functional_of(check, i, check->gradient, 1);
    memset(check->stats, 0,
           UNS_CHECK_STATS * (check->d + UNS_CHECK_FORMS) * sizeof *check->stats);
    return UNS_OK;
}

uns_status uns_check_sampling(uns_check *check, uns_problem_report *report) {
    UNS_TRY(prepare(check));
    UNS_TRY(draw_batches(check));
    report->sampling_sigmas = root_mean_square(check, check->d, NULL, mean_floor, mean_gauge);
    if (!check->ops->second_moment)
        return UNS_OK;
    const uns_about abouts[] = {UNS_ABOUT_SECOND_MOMENT, UNS_ABOUT_COVARIANCE};
    for (size_t i = 0; i < UNS_COUNT_OF(abouts); i++) {
        UNS_TRY(check_moment(check, abouts[i], UNS_SHAPE_DIAGONAL, &report->moment_error));
        if (check->d <= UNS_CHECK_DENSE)
            UNS_TRY(check_moment(check, abouts[i], UNS_SHAPE_DENSE, &report->moment_error));
    }
    return UNS_OK;
}
