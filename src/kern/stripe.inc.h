/* SPDX-License-Identifier: MIT
 * Template: the accumulator of striped sums, 16 f64 lanes in as many registers as it takes.
 */

#define STRIPE_LANES     16
#define STRIPE_REGISTERS (STRIPE_LANES / F64_LANES)

typedef struct stripe {
    f64v part[STRIPE_REGISTERS];
} stripe;

static inline stripe stripe_zero(void) {
    stripe sum;
    for (size_t j = 0; j < STRIPE_REGISTERS; j++)
        sum.part[j] = f64_set(0);
    return sum;
}

/* The tree's first steps add whole registers. */
static inline double stripe_total(const stripe *sum) {
    f64v part[STRIPE_REGISTERS];
    double lane[F64_LANES];
    for (size_t j = 0; j < STRIPE_REGISTERS; j++)
        part[j] = sum->part[j];
    for (size_t h = STRIPE_REGISTERS / 2; h > 0; h /= 2)
        for (size_t j = 0; j < h; j++)
            part[j] = f64_add(part[j], part[j + h]);
    f64_store(lane, part[0], F64_LANES);
    for (size_t h = F64_LANES / 2; h > 0; h /= 2)
        for (size_t j = 0; j < h; j++)
            lane[j] += lane[j + h];
    return lane[0];
}
