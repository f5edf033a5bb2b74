/* SPDX-License-Identifier: MIT
 * `glyphs`: 28×28 images of the ten digits in many hands, for work without any file. Not a copy
 * of MNIST: similar in size, centring, stroke width and spread, and drawn only from a seed.
 *
 * One image: a skeleton of strokes (strokes.c); every control point jittered; a smooth curve
 * (Catmull and Rom 1974) through them; bent by one slow wave along each axis; slanted, scaled
 * and turned; centred; then the signed distance to the thick line gives each pixel's ink.
 * Only + − × ÷ √ and the frozen functions are used: the same bytes on every machine.
 */
#include "base/base.h"
#include "data/strokes.h"
#include <math.h>
#include <string.h>
#include <unsaddle/data.h>
#include <unsaddle/elementary.h>
#include <unsaddle/random.h>

enum {
    SIDE = 28,
    PIXELS = SIDE * SIDE,
    SPAN_STEPS = 5, /* straight pieces between two control points */
    NIBS = UNS_FIGURE_POINTS * SPAN_STEPS
};

/* Where each kind of draw begins in an image's own stream of random numbers. The words at
 * index k serve the deviates 2k and 2k + 1, so these ranges do not meet. */
enum {
    DRAW_LABEL = 0,
    DRAW_VARIANT = 1,
    DRAW_UNIFORM = 64,
    DRAW_NORMAL = 128,
    DRAW_JITTER = 256,
    DRAW_GRAIN = 1024
};

typedef struct point {
    double x, y;
} point;

/* A point of the pen's path, with the half-width there; `lifted`: not joined to the last. */
typedef struct nib {
    point at;
    double radius;
    int lifted;
} nib;

/* How one image is written: all that is random about it but the jitter and the grain. */
typedef struct hand {
    int label, variant;
    double jitter;                /* standard deviation, in digit heights */
    double wave[2], turn[2];      /* amplitude and phase of the waves along x and y */
    double warp[2][2];            /* digit heights to pixels */
    point centre;                 /* pixels */
    double radius, swell, rhythm; /* half-width, its variation and the phase of that */
    double soft, ink, grain;      /* edge width; darkest grey; depth of the grain */
} hand;

typedef struct path {
    size_t count;
    nib nibs[NIBS];
} path;

static double between(double low, double high, double u) {
    return low + (high - low) * u;
}

/* A normal deviate cut to ±2.2: a rare wild one would make a digit nobody writes. */
static double tame(double normal) {
    return normal > 2.2 ? 2.2 : normal < -2.2 ? -2.2 : normal;
}

/* warp = turn · slant · stretch. */
static void set_warp(hand *h, double angle, double slant, double width, double height) {
    double c = uns_cospi(angle), s = uns_sinpi(angle);
    double a[2][2] = {{width, -slant * height}, {0, height}};
    for (int j = 0; j < 2; j++) {
        h->warp[0][j] = c * a[0][j] - s * a[1][j];
        h->warp[1][j] = s * a[0][j] + c * a[1][j];
    }
}

static hand draw_hand(uns_key key) {
    double u[12], z[6];
    uns_random_uniform(key, DRAW_UNIFORM, 12, u);
    uns_random_normal(key, DRAW_NORMAL, 6, z);
    hand h = {.label = (int)uns_random_below(key, DRAW_LABEL, 10),
              .variant = (int)uns_random_below(key, DRAW_VARIANT, UNS_FIGURE_VARIANTS)};
    h.jitter = between(0.018, 0.048, u[0]);
    for (int i = 0; i < 2; i++) {
        h.wave[i] = between(0.0, 0.08, u[1 + i]);
        h.turn[i] = 2 * u[3 + i];
    }
    double height = between(16.5, 20.5, u[5]);
    set_warp(&h, 0.04 * tame(z[0]), 0.12 + 0.22 * tame(z[1]),
             height * between(0.70, 1.25, u[6]), height);
    h.centre = (point){SIDE / 2.0 + 0.6 * tame(z[2]), SIDE / 2.0 + 0.6 * tame(z[3])};
    h.radius = between(0.6, 1.75, u[7]);
    h.swell = between(0.0, 0.25, u[8]);
    h.rhythm = 2 * u[9];
    h.soft = between(0.9, 1.7, u[10]);
    h.ink = between(0.88, 1.0, u[11]);
    h.grain = 0.15;
    return h;
}

/* Waves, then the linear warp; p in digit heights about the digit's middle. */
static point bend(const hand *h, point p) {
    double x = p.x + h->wave[0] * uns_sinpi(1.6 * p.y + h->turn[0]);
    double y = p.y + h->wave[1] * uns_sinpi(1.6 * p.x + h->turn[1]);
    return (point){h->warp[0][0] * x + h->warp[0][1] * y,
                   h->warp[1][0] * x + h->warp[1][1] * y};
}

/* Jitters the control points; a stroke that begins where the last one ended still does. */
static void shake(const hand *h, uns_key key, uns_figure *figure) {
    double z[2 * UNS_FIGURE_POINTS], *x = figure->x, *y = figure->y;
    uns_random_normal(key, DRAW_JITTER, 2 * UNS_FIGURE_POINTS, z);
    point before = {0};
    for (size_t k = 0; k < figure->begin[figure->strokes]; k++) {
        point clean = {x[k], y[k]};
        int joined = k > 0 && clean.x == before.x && clean.y == before.y;
        x[k] = joined ? x[k - 1] : clean.x + h->jitter * tame(z[2 * k]);
        y[k] = joined ? y[k - 1] : clean.y + h->jitter * tame(z[2 * k + 1]);
        before = clean;
    }
}

static double spline(double a, double b, double c, double d, double t) {
    double linear = c - a, square = 2 * a - 5 * b + 4 * c - d, cube = 3 * (b - c) + d - a;
    return b + 0.5 * t * (linear + t * (square + t * cube));
}

static void add_nib(const hand *h, path *line, point at, int lifted) {
    double swell = h->swell * uns_sinpi(0.12 * (double)line->count + h->rhythm);
    line->nibs[line->count++] = (nib){bend(h, at), h->radius * (1 + swell), lifted};
}

/* A smooth curve through points first to last, in SPAN_STEPS pieces a span. */
static void add_stroke(const hand *h, const uns_figure *f, size_t first, size_t last,
                       path *line) {
    add_nib(h, line, (point){f->x[first], f->y[first]}, 1);
    for (size_t i = first; i < last; i++) {
        size_t a = i > first ? i - 1 : i, d = i + 2 <= last ? i + 2 : last;
        for (int step = 1; step <= SPAN_STEPS; step++) {
            double t = step / (double)SPAN_STEPS;
            point at = {spline(f->x[a], f->x[i], f->x[i + 1], f->x[d], t),
                        spline(f->y[a], f->y[i], f->y[i + 1], f->y[d], t)};
            add_nib(h, line, at, 0);
        }
    }
}

/* Moves the middle of the path's box to the wanted place. */
static void centre(const hand *h, path *line) {
    point low = line->nibs[0].at, high = low;
    for (size_t i = 1; i < line->count; i++) {
        point p = line->nibs[i].at;
        low = (point){p.x < low.x ? p.x : low.x, p.y < low.y ? p.y : low.y};
        high = (point){p.x > high.x ? p.x : high.x, p.y > high.y ? p.y : high.y};
    }
    point shift = {h->centre.x - 0.5 * (low.x + high.x), h->centre.y - 0.5 * (low.y + high.y)};
    for (size_t i = 0; i < line->count; i++) {
        line->nibs[i].at.x += shift.x;
        line->nibs[i].at.y += shift.y;
    }
}

/* The first and one past the last pixel centre that [low, high] may touch. */
static void pixel_range(double low, double high, int range[2]) {
    double first = low < 0 ? 0 : low > SIDE ? SIDE : low;
    double last = high < 0 ? 0 : high > SIDE ? SIDE : high;
    range[0] = (int)first;
    range[1] = (int)last < SIDE ? (int)last + 1 : SIDE;
}

/* Lowers field to the signed distance from the piece a–b of half-width `radius`, near it. */
static void stamp(point a, point b, double radius, double soft, double *field) {
    double reach = radius + soft;
    int xs[2], ys[2];
    pixel_range((a.x < b.x ? a.x : b.x) - reach, (a.x > b.x ? a.x : b.x) + reach, xs);
    pixel_range((a.y < b.y ? a.y : b.y) - reach, (a.y > b.y ? a.y : b.y) + reach, ys);
    point d = {b.x - a.x, b.y - a.y};
    double length = d.x * d.x + d.y * d.y, scale = length > 0 ? 1 / length : 0;
    for (int y = ys[0]; y < ys[1]; y++)
        for (int x = xs[0]; x < xs[1]; x++) {
            point p = {x + 0.5 - a.x, y + 0.5 - a.y};
            double t = (p.x * d.x + p.y * d.y) * scale;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            point off = {p.x - t * d.x, p.y - t * d.y};
            double distance = sqrt(off.x * off.x + off.y * off.y) - radius;
            if (distance < field[y * SIDE + x])
                field[y * SIDE + x] = distance;
        }
}

/* Ink from distance: full inside, a smooth edge `soft` wide, paper left exactly 0. */
static void develop(const hand *h, uns_key key, const double *field, unsigned char *pixels) {
    double grain[PIXELS];
    uns_random_uniform(key, DRAW_GRAIN, PIXELS, grain);
    for (int i = 0; i < PIXELS; i++) {
        double edge = 0.5 - field[i] / h->soft;
        edge = edge < 0 ? 0 : edge > 1 ? 1 : edge;
        double grey = h->ink * edge * edge * (3 - 2 * edge) * (1 - h->grain * grain[i]);
        pixels[i] = (unsigned char)(255 * grey + 0.5);
    }
}

static void draw_glyph(uns_key key, unsigned char *label, unsigned char *pixels) {
    hand h = draw_hand(key);
    uns_figure figure;
    path line = {0};
    uns_figure_get(h.label, h.variant, &figure);
    shake(&h, key, &figure);
    for (size_t s = 0; s < figure.strokes; s++)
        add_stroke(&h, &figure, figure.begin[s], figure.begin[s + 1] - 1, &line);
    centre(&h, &line);
    double field[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        field[i] = SIDE;
    for (size_t i = 1; i < line.count; i++) {
        const nib *a = &line.nibs[i - 1], *b = &line.nibs[i];
        if (!b->lifted)
            stamp(a->at, b->at, 0.5 * (a->radius + b->radius), h.soft, field);
    }
    develop(&h, key, field, pixels);
    *label = (unsigned char)h.label;
}

uns_status uns_images_glyphs(uns_context *context, uint64_t seed, uint64_t first, size_t count,
                             uns_images *out) {
    if (!context || !out || count == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "glyphs: nothing to draw, or nowhere to");
    uns_images set = {.count = count, .rows = SIDE, .cols = SIDE};
    set.pixels = uns_allocate(context, uns_size_product(count, PIXELS));
    set.labels = uns_allocate(context, count);
    if (!set.pixels || !set.labels) {
        uns_images_release(context, &set);
        return UNS_ERROR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        uns_key key = {seed, first + i, 0, UNS_STREAM_PROBLEM};
        draw_glyph(key, &set.labels[i], set.pixels + i * PIXELS);
    }
    *out = set;
    return UNS_OK;
}
