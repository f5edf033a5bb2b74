/* SPDX-License-Identifier: MIT
 * Template: update.inc.h's step with arrays in fewer bits. State is widened and narrowed in
 * registers, strip by strip (strip.inc.h). bf16 parameters and gradients, and slot 0, go
 * through arrays of f32 in the first-level cache, so that loops over registers know no such
 * cases.
 */

/* Slots that use m, that write C, and that use it. */
#define SLOTS_WITH_M   (UNS_SLOT_MOMENTUM_FIRST | UNS_SLOT_MOMENTUM_LAST)
#define SLOTS_MOVING_C (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN)
#define SLOTS_WITH_C   (SLOTS_MOVING_C | UNS_SLOT_ROOT)

static inline size_t narrow_width(uns_form state) {
    return state == UNS_FORM_Q8     ? sizeof(uint8_t)
           : state == UNS_FORM_BF16 ? sizeof(uint16_t)
                                    : sizeof(float);
}

static inline size_t narrow_x_width(const uns_reduced *narrow) {
    return narrow->bf16 ? sizeof(uint16_t) : sizeof(float);
}

static inline void *array_at(const void *array, size_t element, size_t width) {
    return (char *)array + element * width;
}

/* The arrays that a rule uses, from element `begin` on. */
UNS_ALWAYS_INLINE void narrow_point(uns_update *k, const uns_update *update, unsigned slots,
                                    size_t x_width, size_t width, size_t begin) {
    k->g = array_at(update->g, begin, x_width);
    k->x = array_at(update->x, begin, x_width);
    if (slots & SLOTS_WITH_M)
        k->m = array_at(update->m, begin, width);
    if (slots & SLOTS_WITH_C)
        k->c = array_at(update->c, begin, width);
    if (slots & UNS_SLOT_MEAN)
        k->mean = array_at(update->mean, begin, sizeof(float));
    if (slots & UNS_SLOT_CEILING)
        k->ceiling = array_at(update->ceiling, begin, width);
    if (slots & UNS_SLOT_ADADELTA)
        k->square = array_at(update->square, begin, width);
}

/* x and g of a strip in f32, slot 0 done. */
typedef struct narrow_room {
    _Alignas(64) float g[Q8_BLOCK];
    _Alignas(64) float x[Q8_BLOCK];
} narrow_room;

/* Where x and g of a strip are found. */
typedef struct narrow_place {
    const float *g;
    float *x;
} narrow_place;

UNS_NEVER_INLINE narrow_place room_open(const uns_update *update, const uns_reduced *narrow,
                                        size_t begin, size_t n, narrow_room *room) {
    const void *from = array_at(update->g, begin, narrow_x_width(narrow));
    void *x = array_at(update->x, begin, narrow_x_width(narrow));
    narrow_place place = {from, x};
    if (narrow->bf16) {
        bf16_to_f32(n, from, room->g);
        if (narrow->low)
            halves_to_f32(n, x, narrow->low + begin, room->x);
        else
            bf16_to_f32(n, x, room->x);
        place = (narrow_place){room->g, room->x};
    }
    if (!(update->slots & UNS_SLOT_GUARD))
        return place;
    for (size_t i = 0; i < n; i += F32_LANES) {
        const f32v gi = f32_load(place.g + i, n - i), xi = f32_load(place.x + i, n - i);
        f32_store(room->g + i, guarded_f32(update, gi, xi), n - i);
    }
    return (narrow_place){room->g, place.x};
}

UNS_NEVER_INLINE void room_close(const uns_update *update, const uns_reduced *narrow,
                                 size_t begin, size_t n, const narrow_room *room) {
    uint16_t *x = (uint16_t *)update->x + begin;
    if (!narrow->bf16)
        return;
    if (narrow->low)
        f32_to_halves(n, room->x, x, narrow->low + begin);
    else
        f32_to_bf16_random(n, narrow->key, narrow->first + (uint32_t)begin, room->x, x);
}

/* How far ahead memory is asked for: arrays of bytes change pages too seldom for the machine's
 * own guesses to keep up. Measured: 0.32 ns a parameter instead of 0.37. */
#define AHEAD (4 * Q8_BLOCK)

UNS_ALWAYS_INLINE void pair_prefetch_array(const void *array, size_t width, size_t i) {
    const char *at = (const char *)array + i * width;
    for (size_t line = 0; line < PAIR * width; line += 64)
        UNS_PREFETCH(at + line);
}

UNS_ALWAYS_INLINE void pair_prefetch(const uns_update *soon, unsigned slots, size_t x_width,
                                     size_t width, size_t i) {
    pair_prefetch_array(soon->g, x_width, i);
    pair_prefetch_array(soon->x, x_width, i);
    if (slots & SLOTS_WITH_M)
        pair_prefetch_array(soon->m, width, i);
    if (slots & SLOTS_WITH_C)
        pair_prefetch_array(soon->c, width, i);
    if (slots & UNS_SLOT_MEAN)
        pair_prefetch_array(soon->mean, sizeof(float), i);
    if (slots & UNS_SLOT_CEILING)
        pair_prefetch_array(soon->ceiling, width, i);
    if (slots & UNS_SLOT_ADADELTA)
        pair_prefetch_array(soon->square, width, i);
}

typedef struct pair_midway {
    midway_f32 first, second;
} pair_midway;

UNS_ALWAYS_INLINE pair_midway pair_front(const uns_update *k, const numbers_f32 *of,
                                         unsigned slots, narrow_strip *strip, size_t i) {
    pair_midway at;
    strip->dither = strip->dithers[0];
    strip->second = false;
    at.first = update_front_f32(k, of, slots, strip, i, F32_LANES);
    strip->second = true;
    at.second = update_front_f32(k, of, slots, strip, i + F32_LANES, F32_LANES);
    strip->dithers[0] = dither_next(dither_next(strip->dithers[0]));
    return at;
}

UNS_ALWAYS_INLINE void pair_back(const uns_update *k, const numbers_f32 *of, unsigned slots,
                                 root_kind kind, narrow_strip *strip, size_t i,
                                 pair_midway at) {
    strip->dither = strip->dithers[1];
    strip->second = false;
    update_back_f32(k, of, slots, kind, strip, i, F32_LANES, at.first);
    strip->second = true;
    update_back_f32(k, of, slots, kind, strip, i + F32_LANES, F32_LANES, at.second);
    strip->dithers[1] = dither_next(dither_next(strip->dithers[1]));
}

/* Less than a pair at the end of a strip, filled up with zeros. They leave the largest size as
 * it is: the most that they become is e, and no C with a, b >= 0 comes out below that. */
typedef struct narrow_rest {
    _Alignas(64) float g[PAIR], x[PAIR], mean[PAIR], kept[UNS_KEPT_COUNT][PAIR];
} narrow_rest;

/* n < PAIR numbers of `width` bytes each. */
UNS_ALWAYS_INLINE void rest_copy(void *to, const void *from, size_t width, size_t n,
                                 size_t stored) {
    for (size_t i = 0; i < PAIR && i < n; i += F32_LANES) {
        if (width == sizeof(float))
            f32_store((float *)to + i, f32_load((const float *)from + i, n - i), stored - i);
        else if (width == sizeof(uint16_t))
            u32_store_u16((uint16_t *)to + i, u32_load_u16((const uint16_t *)from + i, n - i),
                          stored - i);
    }
    if (width == sizeof(uint8_t))
        memcpy(to, from, n);
}

UNS_ALWAYS_INLINE void *rest_in(float *to, const void *from, size_t width, size_t n) {
    if (n <= F32_LANES || width == sizeof(uint8_t))
        memset(to, 0, PAIR * sizeof(float));
    rest_copy(to, from, width, n, PAIR);
    return to;
}

/* Slots are constants. */
UNS_ALWAYS_INLINE void rest_open(size_t n, uns_update *k, unsigned slots, size_t width,
                                 narrow_rest *rest) {
    k->g = rest_in(rest->g, k->g, sizeof(float), n);
    k->x = rest_in(rest->x, k->x, sizeof(float), n);
    if (slots & SLOTS_WITH_M)
        k->m = rest_in(rest->kept[UNS_KEPT_M], k->m, width, n);
    if (slots & SLOTS_WITH_C)
        k->c = rest_in(rest->kept[UNS_KEPT_C], k->c, width, n);
    if (slots & UNS_SLOT_MEAN)
        k->mean = rest_in(rest->mean, k->mean, sizeof(float), n);
    if (slots & UNS_SLOT_CEILING)
        k->ceiling = rest_in(rest->kept[UNS_KEPT_CEILING], k->ceiling, width, n);
    if (slots & UNS_SLOT_ADADELTA)
        k->square = rest_in(rest->kept[UNS_KEPT_SQUARE], k->square, width, n);
}

/* Codes (width 1) are written later on. */
UNS_ALWAYS_INLINE void rest_close(size_t n, const uns_update *at, unsigned slots, size_t width,
                                  const narrow_rest *rest) {
    rest_copy(at->x, rest->x, sizeof(float), n, n);
    if (slots & UNS_SLOT_MEAN)
        rest_copy(at->mean, rest->mean, sizeof(float), n, n);
    if (width == sizeof(uint8_t))
        return;
    if (slots & SLOTS_WITH_M)
        rest_copy(at->m, rest->kept[UNS_KEPT_M], width, n, n);
    if (slots & SLOTS_MOVING_C)
        rest_copy(at->c, rest->kept[UNS_KEPT_C], width, n, n);
    if (slots & UNS_SLOT_CEILING)
        rest_copy(at->ceiling, rest->kept[UNS_KEPT_CEILING], width, n, n);
    if (slots & UNS_SLOT_ADADELTA)
        rest_copy(at->square, rest->kept[UNS_KEPT_SQUARE], width, n, n);
}

UNS_ALWAYS_INLINE void update_rest(size_t begin, size_t n, const uns_update *k,
                                   const numbers_f32 *of, unsigned slots, root_kind kind,
                                   narrow_strip *strip) {
    const size_t width = narrow_width(strip->state);
    narrow_rest rest;
    uns_update at = *k;
    narrow_point(&at, k, slots, sizeof(float), width, begin);
    uns_update copied = at;
    rest_open(n, &copied, slots, width, &rest);
    strip->waiting = begin;
    pair_back(&copied, of, slots, kind, strip, 0, pair_front(&copied, of, slots, strip, 0));
    rest_close(n, &at, slots, width, &rest);
}

/* A strip; `soon` is what follows AHEAD elements later, or NULL. Back halves come a pair later
 * than front halves, so that nothing waits for roots and divisions. */
UNS_ALWAYS_INLINE void update_strip(size_t n, const uns_update *k, const numbers_f32 *of,
                                    unsigned slots, root_kind kind, narrow_strip *strip,
                                    const uns_update *soon, size_t x_width) {
    const size_t whole = n - n % PAIR;
    if (whole > 0) {
        pair_midway at = pair_front(k, of, slots, strip, 0);
        for (size_t i = PAIR; i <= whole; i += PAIR) {
            if (soon)
                pair_prefetch(soon, slots, x_width, narrow_width(strip->state), i - PAIR);
            const pair_midway before = at;
            if (i < whole)
                at = pair_front(k, of, slots, strip, i);
            pair_back(k, of, slots, kind, strip, i - PAIR, before);
        }
    }
    if (whole < n)
        update_rest(whole, n - whole, k, of, slots, kind, strip);
}

/* `slots`, `kind` and `state` are constants. No pointer to k, the numbers or the strip leaves,
 * lest they be read anew for every register. */
UNS_ALWAYS_INLINE void update_narrow_as(size_t n, const uns_update *update,
                                        const uns_reduced *narrow, unsigned slots,
                                        root_kind kind, uns_form state) {
    uns_update k = *update, soon = *update;
    const numbers_f32 of = numbers_of_f32(update, kind);
    const size_t width = narrow_width(state), x_width = narrow_x_width(narrow);
    const bool roomed = narrow->bf16 || k.slots & UNS_SLOT_GUARD;
    _Alignas(64) float wait[2][UNS_KEPT_COUNT][Q8_BLOCK];
    narrow_room room;
    narrow_strip strip = {.state = state};
    for (size_t begin = 0; begin < n; begin += Q8_BLOCK) {
        const size_t some = n - begin < Q8_BLOCK ? n - begin : Q8_BLOCK;
        const bool far = n - begin >= AHEAD + Q8_BLOCK;
        narrow_point(&k, update, slots, x_width, width, begin);
        if (far)
            narrow_point(&soon, update, slots, x_width, width, begin + AHEAD);
        if (roomed) {
            const narrow_place place = room_open(update, narrow, begin, some, &room);
            k.g = place.g;
            k.x = place.x;
        }
        strip_open(&strip, narrow, begin, wait[begin / Q8_BLOCK % 2]);
        update_strip(some, &k, &of, slots, kind, &strip, far ? &soon : NULL, x_width);
        if (begin > 0)
            strip_close(&strip, narrow, update, slots, begin - Q8_BLOCK, Q8_BLOCK,
                        wait[(begin / Q8_BLOCK + 1) % 2]);
        strip_wait(&strip);
        if (roomed)
            room_close(update, narrow, begin, some, &room);
    }
    if (n > 0)
        strip_close(&strip, narrow, update, slots, (n - 1) / Q8_BLOCK * Q8_BLOCK,
                    (n - 1) % Q8_BLOCK + 1, wait[(n - 1) / Q8_BLOCK % 2]);
}

/* Where state is plain: `update`, around which parameters and gradients are widened. */
static int update_widened(size_t n, const uns_update *update, const uns_reduced *narrow) {
    narrow_room room;
    uns_update k = *update;
    if (!narrow->bf16 || !update_f32(0, update))
        return update_f32(n, update);
    k.slots &= ~(unsigned)UNS_SLOT_GUARD; /* room_open does it */
    for (size_t begin = 0; begin < n; begin += Q8_BLOCK) {
        const size_t some = n - begin < Q8_BLOCK ? n - begin : Q8_BLOCK;
        const narrow_place place = room_open(update, narrow, begin, some, &room);
        narrow_point(&k, update, k.slots, sizeof(uint16_t), sizeof(float), begin);
        k.g = place.g;
        k.x = place.x;
        update_f32(some, &k);
        room_close(update, narrow, begin, some, &room);
    }
    return 1;
}

#define RULE_CASE(slots, kind)                                                                 \
    case RULE_KEY(slots, kind):                                                                \
        if (narrow->state == UNS_FORM_Q8)                                                      \
            update_narrow_as(n, update, narrow, slots, kind, UNS_FORM_Q8);                     \
        else                                                                                   \
            update_narrow_as(n, update, narrow, slots, kind, UNS_FORM_BF16);                   \
        return 1;

static int update_narrow(size_t n, const uns_update *update, const uns_reduced *narrow) {
    if (narrow->state == UNS_FORM_PLAIN)
        return update_widened(n, update, narrow);
    switch (RULE_KEY(update->slots & ~(unsigned)UNS_SLOT_GUARD, update_kind_of(update))) {
        UNS_RULES(RULE_CASE)
    default:
        return 0;
    }
}

#undef RULE_CASE
