/* SPDX-License-Identifier: MIT
 * Replicas of the linear recursion in all modes of a site, until f has dropped: for forecasts
 * where other modes are high, where several lead out, or where steps vary and the drop is
 * small.
 */
#ifndef UNS_ENSEMBLE_H
#define UNS_ENSEMBLE_H

#include <unsaddle/forecast.h>

/* Quantiles of the first step with f < −Δ over 1,000 replicas (fewer, at least 200, where that
 * would take more than about a second); NaN beyond site->limit. Draws from UNS_STREAM_FORECAST.
 * Relative error of the median about 1.25·(deviation/median)/√1000. UNS_ERROR_MEMORY. */
uns_status uns_ensemble_escape(uns_context *context, const uns_spec *spec,
                               const uns_forecast_site *site, size_t count, const double *q,
                               double *out);

#endif
