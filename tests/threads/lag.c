/* SPDX-License-Identifier: MIT
 * Roots beside the steps, for ThreadSanitizer: a plain program that speaks TAP. The bits must
 * be those of one thread, while the same workers serve steps and roots, and while the state is
 * overwritten and optimizers go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unsaddle/optimizer.h>

/* Of OpenBLAS; NULL in a build without it. Its threads would only wait for one another. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

enum {
    D = 150,
    REPLICAS = 3,
    ALL = D * REPLICAS,
    STEPS = 60,
    ROUNDS = 4,
    THREADS = 3
};

static const char *const variants[] = {
    "structure=full refresh=7 refresh.lag=3",
    "structure=full centred=true refresh=2 refresh.lag=2 epsilon=1e-6",
    "structure=block structure.block=30 refresh=6 refresh.lag=5",
    "structure=block structure.block=30 refresh.lag=4 beta=0.97",
};

typedef struct rider {
    uns_layout *layout;
    uns_optimizer *optimizer;
    double x[ALL], g[ALL];
} rider;

static bool open_rider(uns_context *context, const char *values, rider *r) {
    uns_spec spec;
    uns_block block = {.rows = D, .cols = 1};
    uns_layout_config config = {sizeof config, UNS_F64, REPLICAS, 1, &block};
    memset(r, 0, sizeof *r);
    if (uns_param_defaults(context, uns_spec_table(), &spec) != UNS_OK ||
        uns_param_assign(context, uns_spec_table(), &spec, values) != UNS_OK ||
        uns_layout_create(context, &config, &r->layout) != UNS_OK)
        return false;
    uns_optimizer_config of = {
        .size = sizeof of, .layout = r->layout, .count = 1, .specs = &spec};
    return uns_optimizer_create(context, &of, &r->optimizer) == UNS_OK;
}

static void close_rider(rider *r) {
    uns_optimizer_destroy(r->optimizer);
    uns_layout_destroy(r->layout);
}

static bool ride(rider *r, int step) {
    void *x = r->x;
    const void *g = r->g;
    for (int i = 0; i < ALL; i++)
        r->g[i] = (double)((i * 31 + step * step * 17 + i / 7 * step) % 211) * 0.01 - 1;
    return uns_optimizer_step(r->optimizer, (uns_tensors){&x, 1}, (uns_const_tensors){&g, 1}) ==
           UNS_OK;
}

/* Steps of different lengths: roots are done before they are due, and are not. */
static void pause_now_and_then(int step) {
    const struct timespec wait = {0, 300000};
    if (step % 4 == 1)
        nanosleep(&wait, NULL);
}

/* The structure's state back to what it was some steps ago, with another root under way. */
static bool rewind_to(rider *r, unsigned char **saved, bool save) {
    uns_state_view view;
    if (uns_optimizer_state(r->optimizer, 0, "structure", &view) != UNS_OK)
        return false;
    if (save && !(*saved = malloc(view.count)))
        return false;
    memcpy(save ? (void *)*saved : view.data, save ? view.data : *saved, view.count);
    return true;
}

/* One run with a rewinding in it; it ends with a root under way where it may. */
static bool run(int threads, const char *values, double *out) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    uns_context *context = NULL;
    unsigned char *saved = NULL;
    rider r;
    if (uns_context_create(&config, &context) != UNS_OK)
        return false;
    bool good = open_rider(context, values, &r);
    for (int step = 0; good && step < STEPS; step++) {
        good = ride(&r, step) && (step != 25 || rewind_to(&r, &saved, true)) &&
               (step != 37 || rewind_to(&r, &saved, false));
        pause_now_and_then(threads > 1 ? step : 0);
    }
    memcpy(out, r.x, sizeof r.x);
    free(saved);
    close_rider(&r);
    uns_context_destroy(context);
    return good;
}

static bool same_bits(const char *values) {
    static double one[ALL], many[ALL];
    bool good = run(1, values, one);
    for (int round = 0; good && round < ROUNDS; round++)
        good = run(THREADS, values, many) && memcmp(one, many, sizeof one) == 0;
    return good;
}

int main(void) {
    int tried = 0, failed = 0;
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (strcmp(uns_context_blas(NULL), "none") == 0) {
        puts("1..0 # SKIP no LAPACK in this build");
        return 0;
    }
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        const bool good = same_bits(variants[i]);
        printf("%s %d - %s: %d threads give the bits of one\n", good ? "ok" : "not ok", ++tried,
               variants[i], THREADS);
        failed += !good;
    }
    printf("1..%d\n", tried);
    return failed != 0;
}
