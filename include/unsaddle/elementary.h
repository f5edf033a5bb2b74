/* SPDX-License-Identifier: MIT
 * Frozen elementary functions in f64: built from + − × ÷ √ and bit operations only, so that
 * they give the same bits on every machine, compiler and instruction set. libm's vary with the
 * CPU.
 *
 * Error bounds are maxima over the tests' samples, in units in the last place (ulp) of the true
 * result; special values follow C's Annex F unless said otherwise. Subnormal arguments count as
 * 0 and subnormal results are 0, so that flushing them (as optimizers do) changes nothing.
 */
#ifndef UNSADDLE_ELEMENTARY_H
#define UNSADDLE_ELEMENTARY_H

#include <unsaddle/status.h>

#ifdef __cplusplus
extern "C" {
#endif

UNS_API double uns_exp(double x);           /* e^x; < 1.5 ulp */
UNS_API double uns_log(double x);           /* ln x; < 1.5 ulp */
UNS_API double uns_pow(double x, double y); /* x^y for x >= 0, else NaN; < 1e-14 relative */
UNS_API double uns_cospi(double x);         /* cos πx; < 2 ulp or 1e-16 absolute */
UNS_API double uns_sinpi(double x);         /* sin πx; likewise */

#ifdef __cplusplus
}
#endif
#endif
