/* SPDX-License-Identifier: MIT
 * Template: the memory traffic of a step without its arithmetic; names of elements.inc.h.
 */

/* Compilers leave out loads that nobody uses, and stores of what was just loaded: hence the sum
 * and the barriers. */
UNS_ALWAYS_INLINE void KERNEL(touch_some)(size_t n, size_t count, void *const *arrays) {
    VECTOR sum = V(set)(0);
    ELEMENT part[LANES];
    for (size_t i = 0; i < n; i += LANES) {
        VECTOR held[8];
        held[0] = V(load)((const ELEMENT *)arrays[0] + i, n - i);
        for (size_t j = 1; j < count; j++)
            held[j] = V(load)((const ELEMENT *)arrays[j] + i, n - i);
        sum = V(add)(sum, held[0]);
        __asm__ volatile("" ::: "memory");
        for (size_t j = 1; j < count; j++)
            V(store)((ELEMENT *)arrays[j] + i, held[j], n - i);
    }
    V(store)(part, sum, LANES);
    __asm__ volatile("" : : "m"(part));
}

static void KERNEL(touch)(size_t n, size_t count, void *const *arrays) {
    switch (count) {
    case 1:
        KERNEL(touch_some)(n, 1, arrays);
        break;
    case 2:
        KERNEL(touch_some)(n, 2, arrays);
        break;
    case 3:
        KERNEL(touch_some)(n, 3, arrays);
        break;
    case 4:
        KERNEL(touch_some)(n, 4, arrays);
        break;
    case 5:
        KERNEL(touch_some)(n, 5, arrays);
        break;
    default:
        KERNEL(touch_some)(n, count, arrays);
    }
}
