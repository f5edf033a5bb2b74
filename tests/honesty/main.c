/* SPDX-License-Identifier: MIT
 * `make honesty`: the evidence for the certificate, a few minutes long. Not a quick test.
 */
#include "honesty.h"

#include "base/base.h"

#include <stdio.h>

int main(void) {
    claims all = {0};
    uns_context *context = NULL;
    if (uns_context_open(NULL, &context) != UNS_OK) {
        puts("FAILED  no context");
        return 1;
    }
    bool ran = count_honesty(&all, context) && measure_cost(&all, context) &&
               compare_arpack(&all, context);
    uns_context_destroy(context);
    if (!ran)
        claim(&all, false, "out of memory");
    printf("%d passed, %d failed, %d skipped\n", all.passed, all.failed, all.skipped);
    return all.failed > 0;
}
