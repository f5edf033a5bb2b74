/* SPDX-License-Identifier: MIT
 * The combinations of slots that `update` carries out in one pass: those of the presets. Any
 * other combination goes kernel by kernel, to the same bits.
 */
#ifndef UNS_RULES_H
#define UNS_RULES_H

#include "kern/kern.h"
#include "kern/root.h"

#define FIRST      UNS_SLOT_MOMENTUM_FIRST
#define ACCUMULATE UNS_SLOT_ACCUMULATE
#define ROOT       UNS_SLOT_ROOT

/* A combination in a number. */
#define RULE_KEY(slots, kind) ((slots) << 2 | (unsigned)(kind))

/* The root that an update takes; ROOT_HALF where it takes none. */
static inline root_kind update_kind_of(const uns_update *update) {
    if (update->slots & UNS_SLOT_ROOT_OF_SIGNAL)
        return signal_root_kind_of(&update->root);
    return update->slots & UNS_SLOT_ROOT ? root_kind_of(update->root.exponent) : ROOT_HALF;
}

/* RULE(slots, root); with UNS_SLOT_GUARD and without it. */
#define UNS_RULES(RULE)                                                                        \
    RULE(0, ROOT_HALF)                                              /* sgd */                  \
    RULE(FIRST, ROOT_HALF)                                          /* momentum, nesterov */   \
    RULE(ROOT, ROOT_HALF)                                           /* idealized */            \
    RULE(ACCUMULATE | ROOT, ROOT_HALF)                              /* adagrad, rmsprop */     \
    RULE(ACCUMULATE | ROOT | UNS_SLOT_MOMENTUM_LAST, ROOT_HALF)     /* and with momentum */    \
    RULE(UNS_SLOT_MEAN | ACCUMULATE | ROOT, ROOT_HALF)              /* rmsprop-centered */     \
    RULE(FIRST | ACCUMULATE | ROOT, ROOT_HALF)                      /* adam, adamw, nadam */   \
    RULE(FIRST | ACCUMULATE | UNS_SLOT_CEILING | ROOT, ROOT_HALF)   /* amsgrad */              \
    RULE(FIRST | ACCUMULATE, ROOT_HALF)                             /* radam while rho = 0 */  \
    RULE(FIRST | ACCUMULATE | ROOT | UNS_SLOT_RHO, ROOT_HALF)       /* radam */                \
    RULE(FIRST | UNS_SLOT_MAX | ROOT, ROOT_ONE)                     /* adamax */               \
    RULE(FIRST | UNS_SLOT_SIGN | ROOT, ROOT_HALF)                   /* yogi */                 \
    RULE(FIRST | UNS_SLOT_DEVIATION | ACCUMULATE | ROOT, ROOT_HALF) /* adabelief */            \
    RULE(FIRST | UNS_SLOT_DIRECTION | UNS_SLOT_ROOT_OF_SIGNAL, ROOT_SIZE) /* lion */           \
    RULE(ACCUMULATE | ROOT | UNS_SLOT_ADADELTA, ROOT_HALF)                /* adadelta */

#endif
