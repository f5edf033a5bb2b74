/* SPDX-License-Identifier: MIT
 * Numbers for people. The caller has the C locale in force (report.c).
 */
#include "report/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NaN is "–" (nothing there), infinity "∞". False: an ordinary number, nothing written. */
static int print_special(double value, char *text) {
    if (isnan(value))
        strcpy(text, "–");
    else if (isinf(value))
        strcpy(text, value < 0 ? "−∞" : "∞");
    else
        return 0;
    return 1;
}

/* A finite value with `figures` digits; `plain_low` and `plain_high` are the decimal exponents
 * between which no exponent is written. */
static void print_figures(double value, int figures, int plain_low, int plain_high,
                          char *text) {
    char digits[UNS_NUMBER_SIZE];
    const char *sign = value < 0 ? "−" : "";
    snprintf(digits, sizeof digits, "%.*e", figures - 1, fabs(value));
    char *mark = strchr(digits, 'e');
    int exponent = atoi(mark + 1);
    if (exponent >= plain_low && exponent <= plain_high) {
        int decimals = figures - 1 - exponent;
        snprintf(text, UNS_NUMBER_SIZE, "%s%.*f", sign, decimals > 0 ? decimals : 0,
                 fabs(value));
        return;
    }
    *mark = '\0';
    snprintf(text, UNS_NUMBER_SIZE, "%s%.40se%d", sign, digits, exponent);
}

void uns_number_exact(double value, char text[UNS_NUMBER_SIZE]) {
    if (print_special(value, text))
        return;
    int figures = 1;
    for (; figures < 17; figures++) {
        char digits[UNS_NUMBER_SIZE];
        snprintf(digits, sizeof digits, "%.*e", figures - 1, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    print_figures(value, figures, -1, 5, text);
}

void uns_number_figures(double value, int figures, char text[UNS_NUMBER_SIZE]) {
    if (print_special(value, text))
        return;
    if (value == 0)
        strcpy(text, "0");
    else
        print_figures(value, figures, -2, 5, text);
}

void uns_number_steps(double value, char text[UNS_NUMBER_SIZE]) {
    if (print_special(value, text))
        return;
    if (fabs(value) >= 1e15) {
        print_figures(value, 4, 0, 0, text);
        return;
    }
    char digits[UNS_NUMBER_SIZE];
    int decimals = fabs(value) < 100 && value != floor(value);
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    int whole = decimals ? length - 2 : length;
    char *to = text;
    if (value < 0)
        to += sprintf(to, "−");
    for (int i = 0; i < length; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

void uns_number_ratio(double value, char text[UNS_NUMBER_SIZE]) {
    if (value >= 100)
        uns_number_steps(round(value), text);
    else
        snprintf(text, UNS_NUMBER_SIZE, "%.*f", value < 2 ? 2 : 1, value);
}

void uns_number_share(double part, double whole, char text[UNS_NUMBER_SIZE]) {
    double percent = 100 * part / whole;
    if (isnan(percent))
        strcpy(text, "–");
    else if (part == whole || part == 0)
        snprintf(text, UNS_NUMBER_SIZE, "%d %%", part == 0 ? 0 : 100);
    else
        snprintf(text, UNS_NUMBER_SIZE, "%.1f %%", fmin(fmax(percent, 0.1), 99.9));
}

size_t uns_text_columns(const char *text) {
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xC0u) != 0x80u;
    return columns;
}

size_t uns_text_cut(const char *text, size_t columns) {
    size_t bytes = 0;
    for (; text[bytes]; bytes++)
        if (((unsigned char)text[bytes] & 0xC0u) != 0x80u && columns-- == 0)
            break;
    return bytes;
}
