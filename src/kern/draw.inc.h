/* SPDX-License-Identifier: MIT
 * Template: the kernels of randomness, normal_rows, normal and uniform. A register holds one
 * word of F64_LANES blocks: of neighbouring replicas in rows, of neighbouring indices else.
 * DRAW_REGISTERS of them go side by side, and what is left over one by one.
 */

#define DRAW_REGISTERS 4
#define DRAW_BLOCKS    (DRAW_REGISTERS * F64_LANES)

/* Where the rows of one pair go; NULL: nobody asked for this half of the blocks. */
typedef struct draw_rows {
    double *even, *odd;
} draw_rows;

/* Replicas r .. r + count·F64_LANES − 1; count is 1 where fewer than F64_LANES are left. */
UNS_ALWAYS_INLINE void draw_replicas(const philox_schedule *schedule, uns_key key,
                                     uint64_t index, size_t r, size_t room, int count,
                                     draw_rows to) {
    const u64v ascending = u64_ascending();
    philox_block x[DRAW_REGISTERS];
    philox_pair pair[DRAW_REGISTERS];
    for (int i = 0; i < count; i++) {
        const uint64_t begin = key.replica + r + (size_t)i * F64_LANES;
        x[i] = philox_counter(key, u64_set(index), u64_add(u64_set(begin), ascending));
    }
    philox_rounds(schedule, count, x);
    philox_normals(count, x, pair);
    for (int i = 0; i < count; i++) {
        const size_t at = (size_t)i * F64_LANES;
        if (to.even)
            f64_store(to.even + r + at, pair[i].even, room);
        if (to.odd)
            f64_store(to.odd + r + at, pair[i].odd, room);
    }
}

static void draw_row_pair(const philox_schedule *schedule, uns_key key, uint64_t index,
                          size_t replicas, draw_rows to) {
    size_t r = 0;
    for (; replicas - r >= DRAW_BLOCKS; r += DRAW_BLOCKS)
        draw_replicas(schedule, key, index, r, DRAW_BLOCKS, DRAW_REGISTERS, to);
    for (; r < replicas; r += F64_LANES)
        draw_replicas(schedule, key, index, r, replicas - r, 1, to);
}

/* Copies what lies in [first, end) of the 2·F64_LANES deviates that start at j. */
static inline void draw_part(uint64_t j, uint64_t first, uint64_t end, const double *deviates,
                             double *out) {
    for (uint64_t i = 0; i < 2 * F64_LANES; i++)
        if (j + i >= first && j + i < end)
            out[j + i - first] = deviates[i];
}

/* Deviates j, j + 1, ... of `count` registers into `out`, from block j/2 on. */
UNS_ALWAYS_INLINE void draw_indices(const philox_schedule *schedule, uns_key key, uint64_t j,
                                    int count, philox_deviates *deviates, double *out) {
    const u64v ascending = u64_ascending(), replica = u64_set(key.replica);
    philox_block x[DRAW_REGISTERS];
    philox_pair pair[DRAW_REGISTERS];
    for (int i = 0; i < count; i++) {
        const uint64_t begin = j / 2 + (uint64_t)i * F64_LANES;
        x[i] = philox_counter(key, u64_add(u64_set(begin), ascending), replica);
    }
    philox_rounds(schedule, count, x);
    deviates(count, x, pair);
    for (int i = 0; i < count; i++, out += 2 * F64_LANES) {
        f64_store(out, f64_zip_low(pair[i].even, pair[i].odd), F64_LANES);
        f64_store(out + F64_LANES, f64_zip_high(pair[i].even, pair[i].odd), F64_LANES);
    }
}

/* A run may begin and end inside a block, so its first and last register go by way of `part`.
 */
UNS_ALWAYS_INLINE void draw_run(uns_key key, uint32_t first, size_t n, double *out,
                                philox_deviates *deviates) {
    const philox_schedule schedule = philox_schedule_of(key.seed);
    const uint64_t end = (uint64_t)first + n;
    uint64_t j = first & ~1u;
    while (j < end) {
        if (j >= first && end - j >= 2 * DRAW_BLOCKS) {
            draw_indices(&schedule, key, j, DRAW_REGISTERS, deviates, out + (j - first));
            j += 2 * DRAW_BLOCKS;
        } else {
            double part[2 * F64_LANES];
            draw_indices(&schedule, key, j, 1, deviates, part);
            draw_part(j, first, end, part, out);
            j += 2 * F64_LANES;
        }
    }
}

static void normal(uns_key key, uint32_t first, size_t n, double *out) {
    draw_run(key, first, n, out, philox_normals);
}

static void uniform(uns_key key, uint32_t first, size_t n, double *out) {
    draw_run(key, first, n, out, philox_uniforms);
}

/* One replica's rows are one run, which wastes no lanes. */
static void normal_rows(uns_key key, uint32_t first, size_t rows, size_t replicas,
                        double *out) {
    if (replicas == 1) {
        normal(key, first, rows, out);
        return;
    }
    const philox_schedule schedule = philox_schedule_of(key.seed);
    const uint64_t end = (uint64_t)first + rows;
    for (uint64_t j = first & ~1u; j < end; j += 2) {
        const draw_rows to = {j >= first ? out + (j - first) * replicas : NULL,
                              j + 1 < end ? out + (j + 1 - first) * replicas : NULL};
        draw_row_pair(&schedule, key, j / 2, replicas, to);
    }
}
