/* SPDX-License-Identifier: MIT
 * The table of skeletons: three ways to write each digit, drawn by hand for this project.
 */
#include "data/strokes.h"

/* Points as "x,y" in hundredths of the digit's height from the upper left; '/' between strokes.
 */
static const char *const skeletons[10][UNS_FIGURE_VARIANTS] = {
    {/* round; begun at the upper right and overlapping; open at the top */
     "50,2 25,16 15,50 24,84 50,98 76,84 85,50 75,16 50,2",
     "68,10 42,4 22,34 22,68 42,97 66,88 80,54 75,22 56,6 40,12",
     "60,5 34,10 16,42 22,80 50,98 78,78 84,40 68,12"},
    {/* bare; with a flag; with flag and foot */
     "50,2 51,34 49,68 50,98", "32,24 44,15 54,2 / 54,2 53,50 52,98",
     "30,26 42,17 52,3 / 52,3 51,50 51,96 / 28,97 51,96 74,97"},
    {/* with a corner; with a loop; angular */
     "18,26 28,8 52,2 74,12 76,33 60,57 38,78 15,96 / 15,96 48,95 86,94",
     "20,22 42,4 69,8 75,30 56,60 32,86 15,92 18,78 38,80 60,94 90,90",
     "22,15 48,3 73,14 69,40 46,70 20,95 / 20,95 52,91 84,97"},
    {/* two bows; flat top; with a small loop between */
     "20,14 44,2 70,10 71,30 58,43 40,46 / 40,46 70,54 81,74 62,95 36,98 14,85",
     "20,5 48,5 76,4 / 76,4 60,22 44,39 / 44,39 72,47 81,70 64,93 38,98 17,88",
     "22,12 50,2 72,15 62,38 42,48 40,43 50,44 72,54 77,80 50,98 17,87"},
    {/* open; closed; curved */
     "26,5 21,30 16,54 / 16,54 48,56 86,52 / 70,6 68,50 64,98",
     "62,2 38,33 12,66 / 12,66 50,66 90,64 / 63,2 64,50 63,98",
     "22,6 17,34 24,52 42,56 60,50 75,38 / 77,4 73,48 66,98"},
    {/* three strokes; one; slanted belly */
     "30,4 26,24 22,44 / 22,44 46,37 72,48 78,72 56,95 16,92 / 30,4 54,5 82,3",
     "80,6 56,4 32,8 26,26 36,40 58,46 74,62 70,84 48,97 18,90",
     "22,6 22,26 21,46 / 21,46 44,40 66,50 68,70 58,88 36,98 10,88 / 22,6 46,4 70,6"},
    {/* sweeping; upright; curled */
     "68,3 42,20 24,48 20,76 34,96 60,96 76,80 70,62 48,57 24,72",
     "48,2 30,32 22,66 34,95 62,94 74,76 60,60 40,62 24,78",
     "76,12 58,3 34,20 20,52 22,84 46,98 70,88 72,66 50,56 24,76"},
    {/* plain; crossed; with a serif */
     "16,8 46,7 82,5 / 82,5 64,36 50,68 42,98",
     "18,7 48,8 80,5 / 80,5 64,36 52,68 46,98 / 34,52 55,50 78,48",
     "16,22 18,8 / 18,8 50,9 84,5 / 84,5 68,34 58,66 54,98"},
    {/* one crossing line; two rings; one line, narrow and leaning */
     "72,14 50,2 27,14 33,36 56,52 77,72 70,93 45,98 23,84 31,62 55,44 73,26 66,8",
     "50,2 29,12 29,36 50,46 71,36 71,12 50,2 / 50,46 24,60 22,86 50,98 78,86 76,60 50,46",
     "70,8 46,6 36,24 48,44 62,62 62,84 44,97 28,86 34,64 54,46 70,26 66,8"},
    {/* straight stem; curved tail; leaning stem */
     "74,14 48,3 26,18 26,40 46,51 66,42 74,26 75,14 / 75,14 73,52 66,98",
     "72,20 52,3 28,14 25,38 46,50 66,38 74,16 76,42 72,70 58,92 36,98 18,88",
     "70,10 44,4 26,24 34,48 56,46 70,28 74,10 / 74,10 68,42 58,72 46,98"},
};

/* A number of hundredths; *text is left behind it. */
static double read_number(const char **text) {
    int value = 0;
    for (; **text >= '0' && **text <= '9'; ++*text)
        value = 10 * value + (**text - '0');
    return value / 100.0;
}

void uns_figure_get(int digit, int variant, uns_figure *figure) {
    const char *text = skeletons[digit][variant];
    size_t points = 0, strokes = 0;
    figure->begin[0] = 0;
    while (*text) {
        figure->x[points] = read_number(&text) - 0.5;
        text++; /* the comma */
        figure->y[points++] = read_number(&text) - 0.5;
        if (text[0] == ' ' && text[1] == '/') {
            figure->begin[++strokes] = points;
            text += 2;
        }
        if (*text == ' ')
            text++;
    }
    figure->begin[++strokes] = points;
    figure->strokes = strokes;
}
