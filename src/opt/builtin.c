/* SPDX-License-Identifier: MIT
 * A context with the built-in names: one row for each moment and structure.
 */
#include "opt/builtin.h"

#include "base/base.h"
#include "opt/presets.h"

static const uns_moment_ops *const moments[] = {
    &uns_moment_ema,    &uns_moment_sum,    &uns_moment_mean,
    &uns_moment_exact,  &uns_moment_max,    &uns_moment_sign,
    &uns_moment_latest, &uns_moment_window, &uns_moment_power,
};

static const uns_structure_ops *const structures[] = {
    &uns_structure_identity, &uns_structure_scalar,     &uns_structure_diagonal,
    &uns_structure_block,    &uns_structure_full,       &uns_structure_lowrank,
    &uns_structure_kron,     &uns_structure_kron_eigen, &uns_structure_factored,
};

size_t uns_no_elements(const uns_spec *spec, const uns_block *block) {
    (void)spec;
    (void)block;
    return 0;
}

static uns_status register_all(uns_context *context) {
    for (size_t i = 0; i < UNS_COUNT_OF(moments); i++)
        UNS_TRY(uns_context_register(context, UNS_KIND_MOMENT, moments[i]));
    for (size_t i = 0; i < UNS_COUNT_OF(structures); i++)
        UNS_TRY(uns_context_register(context, UNS_KIND_STRUCTURE, structures[i]));
    size_t count;
    const uns_preset *presets = uns_builtin_presets(&count);
    for (size_t i = 0; i < count; i++)
        UNS_TRY(uns_context_register(context, UNS_KIND_PRESET, &presets[i]));
    return UNS_OK;
}

uns_status uns_context_create(const uns_context_config *config, uns_context **out) {
    uns_context *context = NULL;
    UNS_TRY(uns_context_open(config, &context));
    uns_status status = register_all(context);
    if (status != UNS_OK) {
        uns_context_destroy(context);
        return status;
    }
    *out = context;
    return UNS_OK;
}
