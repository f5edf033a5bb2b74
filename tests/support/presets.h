/* SPDX-License-Identifier: MIT
 * The fixture under every preset.
 */
#ifndef UNS_TEST_PRESETS_H
#define UNS_TEST_PRESETS_H

#include "support/fixture.h"

#include <criterion/criterion.h>

static inline uns_context *open_context(int threads, unsigned isa) {
    uns_context_config config = {.size = sizeof config, .threads = threads, .isa = isa};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static inline void open_or_fail(fixture *f, uns_context *context, const uns_spec *spec,
                                fixture_size size) {
    cr_assert(fixture_open(f, context, spec, fixture_fit(context, spec, size)), "%s",
              uns_context_message(context));
}

/* Every preset that can be stepped here, in this state and type. */
typedef void preset_test(uns_context *context, const char *name, uns_spec *spec,
                         fixture_size size);

static inline size_t for_presets(uns_context *context, uns_state state, fixture_size size,
                                 preset_test *test) {
    size_t tested = 0;
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        spec.state = (int)state;
        const bool narrow = state != UNS_STATE_AUTO || size.dtype == UNS_BF16;
        if (!fixture_can(context, &spec) || uns_spec_check(context, &spec) != UNS_OK ||
            (narrow && strcmp(spec.moment, "exact") == 0))
            continue;
        test(context, preset->name, &spec, size);
        tested++;
    }
    return tested;
}

#endif
