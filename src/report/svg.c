/* SPDX-License-Identifier: MIT
 * SVG by hand. The palette is Okabe and Ito's (2008, "Color Universal Design"), darkened so
 * that text in it keeps a contrast of 4.5 on the light surface, lightened for the dark one.
 */
#include "report/svg.h"
#include "report/number.h"

#include <math.h>

/* Beyond, ticks and padding would overflow; such values are drawn at the edge. */
static const double LARGEST = 1e200;

enum {
    LABEL_SIZE = 12,
    TICKS_MAX = 40
};

static const char style[] =
    "text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}"
    ".title{font-size:17px;font-weight:600}.head{font-size:13px;font-weight:600}"
    ".surface{fill:#fcfcfb;stroke:#d5d9dd}.ink,.title,.head,.prose{fill:#1b1f24}.muted{fill:#"
    "59636e}"
    ".grid{stroke:#e4e7ea}.axis{stroke:#8b959e}.line{fill:none;stroke-width:2.2;"
    "stroke-linejoin:round;stroke-linecap:round}.thin{fill:none;stroke-width:1.2}"
    ".prose{font-size:14px}.hollow{fill:none;stroke-width:1.4}"
    ".halo{stroke:#fcfcfb;stroke-width:1.5}.label{paint-order:stroke;stroke:#fcfcfb;"
    "stroke-width:3.5px;stroke-linejoin:round}"
    ".f0{fill:#0072b2}.f1{fill:#c44e00}.f2{fill:#00805d}.f3{fill:#a3478a}.f4{fill:#8a6000}"
    ".f5{fill:#4f5b66}.s0{stroke:#0072b2}.s1{stroke:#c44e00}.s2{stroke:#00805d}"
    ".s3{stroke:#a3478a}.s4{stroke:#8a6000}.s5{stroke:#4f5b66}\n"
    "@media(prefers-color-scheme:dark){"
    ".surface{fill:#15191e;stroke:#333b43}.ink,.title,.head,.prose{fill:#e9ecef}.muted{fill:#"
    "a0abb6}"
    ".grid{stroke:#2a3138}.axis{stroke:#65717c}.halo,.label{stroke:#15191e}"
    ".f0{fill:#56b4e9}.f1{fill:#f5864b}.f2{fill:#2fc19a}.f3{fill:#e193c8}.f4{fill:#e0b040}"
    ".f5{fill:#b4bec8}.s0{stroke:#56b4e9}.s1{stroke:#f5864b}.s2{stroke:#2fc19a}"
    ".s3{stroke:#e193c8}.s4{stroke:#e0b040}.s5{stroke:#b4bec8}}";

static double scaled(const uns_axis *axis, double value) {
    return axis->log ? log10(value) : value;
}

double uns_axis_place(const uns_axis *axis, double value) {
    double low = scaled(axis, axis->low), high = scaled(axis, axis->high);
    double share = (scaled(axis, fmax(value, axis->low)) - low) / (high - low);
    return axis->from + (axis->to - axis->from) * fmin(fmax(share, 0), 1);
}

void uns_axis_include(uns_axis *axis, double value) {
    if (!isfinite(value) || (axis->log && value <= 0))
        return;
    value = fmin(fmax(value, -LARGEST), LARGEST);
    if (axis->log)
        value = fmax(value, 1 / LARGEST);
    axis->low = isnan(axis->low) ? value : fmin(axis->low, value);
    axis->high = isnan(axis->high) ? value : fmax(axis->high, value);
}

void uns_axis_pad(uns_axis *axis, double share) {
    if (isnan(axis->low))
        axis->low = axis->high = 1;
    double low = scaled(axis, axis->low), high = scaled(axis, axis->high);
    double room = high > low ? share * (high - low) : fmax(fabs(low) * 0.1, 0.5);
    axis->low = axis->log ? pow(10, low - room) : low - room;
    axis->high = axis->log ? pow(10, high + room) : high + room;
}

static size_t log_ticks(const uns_axis *axis, double *ticks) {
    bool wide = log10(axis->high / axis->low) > 1.6;
    static const double within[] = {1, 2, 5};
    size_t count = 0;
    for (double e = floor(log10(axis->low)); e <= log10(axis->high); e++)
        for (size_t i = 0; i < (wide ? 1u : 3u); i++) {
            double tick = within[i] * pow(10, e);
            if (tick >= axis->low && tick <= axis->high && count < TICKS_MAX)
                ticks[count++] = tick;
        }
    return count;
}

static size_t linear_ticks(const uns_axis *axis, double *ticks) {
    double rough = (axis->high - axis->low) / 5, unit = pow(10, floor(log10(rough)));
    double step = unit * (rough < 1.5 * unit   ? 1
                          : rough < 3.5 * unit ? 2
                          : rough < 7.5 * unit ? 5
                                               : 10);
    size_t count = 0;
    for (double i = ceil(axis->low / step); i * step <= axis->high && count < TICKS_MAX; i++)
        ticks[count++] = i * step;
    return count;
}

static size_t find_ticks(const uns_axis *axis, double ticks[TICKS_MAX]) {
    return axis->log ? log_ticks(axis, ticks) : linear_ticks(axis, ticks);
}

static void print_tick(double tick, bool grouped, char *text) {
    char rounded[UNS_NUMBER_SIZE];
    snprintf(rounded, sizeof rounded, "%.6g", tick);
    sscanf(rounded, "%lf", &tick); /* 0.30000000000000004 is 0.3 */
    if (grouped && tick >= 1)
        uns_number_steps(tick, text);
    else
        uns_number_exact(tick, text);
}

/* As XML text; control characters, which XML forbids, become '?'. */
static void write_escaped(const char *text, FILE *out) {
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
    }
}

void uns_svg_open(FILE *out, double width, double height, const char *title) {
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>",
            width, height, width, height);
    write_escaped(title, out);
    fprintf(out,
            "</title>\n<style>%s</style>\n<rect class=\"surface\" x=\"0.5\" y=\"0.5\" "
            "width=\"%.0f\" height=\"%.0f\" rx=\"8\"/>\n",
            style, width - 1, height - 1);
}

void uns_svg_close(FILE *out) {
    fputs("</svg>\n", out);
}

void uns_svg_text(FILE *out, double x, double y, const char *class, const char *anchor,
                  const char *text) {
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y,
            anchor);
    write_escaped(text, out);
    fputs("</text>\n", out);
}

static void line(FILE *out, const char *class, double x0, double y0, double x1, double y1) {
    fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x0, y0, x1, y1);
}

void uns_svg_axis_x(FILE *out, const uns_axis *x, const uns_axis *y, bool grouped,
                    const char *title) {
    double ticks[TICKS_MAX];
    size_t count = find_ticks(x, ticks);
    for (size_t i = 0; i < count; i++) {
        char text[UNS_NUMBER_SIZE];
        double at = uns_axis_place(x, ticks[i]);
        print_tick(ticks[i], grouped, text);
        line(out, "grid", at, y->from, at, y->to);
        uns_svg_text(out, at, y->from + 17, "muted", "middle", text);
    }
    line(out, "axis", x->from, y->from, x->to, y->from);
    uns_svg_text(out, (x->from + x->to) / 2, y->from + 36, "muted", "middle", title);
}

void uns_svg_axis_y(FILE *out, const uns_axis *x, const uns_axis *y) {
    double ticks[TICKS_MAX];
    size_t count = find_ticks(y, ticks);
    for (size_t i = 0; i < count; i++) {
        char text[UNS_NUMBER_SIZE];
        double at = uns_axis_place(y, ticks[i]);
        print_tick(ticks[i], false, text);
        line(out, "grid", x->from, at, x->to, at);
        uns_svg_text(out, x->from - 8, at + 4, "muted", "end", text);
    }
}

void uns_svg_marker(FILE *out, double x, double y, size_t index, bool hollow) {
    static const char *const shapes[UNS_SVG_SHAPES] = {
        "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z", "M-4.5-4.5H4.5V4.5H-4.5Z",
        "M0-6.5L6.5 0L0 6.5L-6.5 0Z", "M0-6L5.6 4.4H-5.6Z"};
    size_t colour = index % UNS_SVG_COLOURS;
    fputs("<path class=\"", out);
    fprintf(out, hollow ? "hollow s%zu" : "halo f%zu", colour);
    fprintf(out, "\" transform=\"translate(%.1f %.1f)%s\" d=\"%s\"/>\n", x, y,
            hollow ? " scale(1.5)" : "", shapes[index % UNS_SVG_SHAPES]);
}

double uns_svg_text_width(const char *text) {
    return 0.6 * LABEL_SIZE * (double)uns_text_columns(text);
}

void uns_svg_take(uns_svg_room *room, uns_svg_box box) {
    if (room->count < room->capacity)
        room->taken[room->count++] = box;
}

void uns_svg_take_line(uns_svg_room *room, double x0, double y0, double x1, double y1) {
    double length = hypot(x1 - x0, y1 - y0);
    for (double at = 0; at <= length; at += 8) {
        double x = x0 + (x1 - x0) * at / fmax(length, 1);
        double y = y0 + (y1 - y0) * at / fmax(length, 1);
        uns_svg_take(room, (uns_svg_box){x - 3, y - 3, x + 3, y + 3});
    }
}

static double overlap(const uns_svg_box *a, const uns_svg_box *b) {
    double width = fmin(a->right, b->right) - fmax(a->left, b->left);
    double height = fmin(a->bottom, b->bottom) - fmax(a->top, b->top);
    return width > 0 && height > 0 ? width * height : 0;
}

/* Area in conflict with what is there; outside the limits counts ten times. */
static double conflict(const uns_svg_room *room, const uns_svg_box *box) {
    double area = (box->right - box->left) * (box->bottom - box->top);
    double sum = 10 * (area - overlap(box, &room->limits));
    for (size_t i = 0; i < room->count; i++)
        sum += overlap(box, &room->taken[i]);
    return sum;
}

void uns_svg_label(FILE *out, uns_svg_room *room, double x, double y, const char *class,
                   const char *text) {
    /* Left edge in widths and pixels, centre line in pixels, in order of liking. */
    static const double spots[][3] = {{0, 10, 0},    {-1, -10, 0},   {-0.5, 0, -15},
                                      {-0.5, 0, 15}, {0, 7, -12},    {0, 7, 12},
                                      {-1, -7, -12}, {-1, -7, 12},   {0, 10, -26},
                                      {0, 10, 26},   {-1, -10, -26}, {-1, -10, 26}};
    double width = uns_svg_text_width(text), least = INFINITY;
    uns_svg_box best = {0, 0, 0, 0};
    for (size_t i = 0; i < sizeof spots / sizeof spots[0]; i++) {
        double left = x + spots[i][0] * width + spots[i][1], middle = y + spots[i][2];
        uns_svg_box box = {left, middle - 7, left + width, middle + 7};
        double sum = conflict(room, &box);
        if (sum < least) {
            least = sum;
            best = box;
        }
    }
    char classes[32];
    snprintf(classes, sizeof classes, "label %s", class);
    uns_svg_text(out, best.left, best.bottom - 2.5, classes, "start", text);
    uns_svg_take(room, best);
}
