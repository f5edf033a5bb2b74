/* SPDX-License-Identifier: MIT
 * meta.json: where, with what and when a run was made. All that may differ between two runs of
 * one config stands here, apart from the timings in summary.json.
 */
#include "run/record.h"

#include "base/machine.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#if defined(__clang__)
static const char compiler[] = "clang " __clang_version__;
#elif defined(__GNUC__)
static const char compiler[] = "gcc " __VERSION__;
#else
static const char compiler[] = "unknown";
#endif

static json_t *encode_host(void) {
    struct utsname host;
    char os[256];
    if (uname(&host) != 0)
        memset(&host, 0, sizeof host);
    uns_file_value("/etc/os-release", "PRETTY_NAME", '=', os, sizeof os);
    return json_pack("{s:s,s:s,s:s,s:s}", "os", os, "kernel", host.sysname, "release",
                     host.release, "machine", host.machine);
}

static json_t *encode_seeds(const uns_record *record) {
    json_t *seeds = json_array();
    for (size_t i = 0; i < record->count; i++) {
        int64_t seed = record->results[i].cell->settings.seed;
        bool known = false;
        for (size_t k = 0; k < json_array_size(seeds); k++)
            known = known || json_integer_value(json_array_get(seeds, k)) == seed;
        if (!known)
            json_array_append_new(seeds, json_integer(seed));
    }
    return seeds;
}

static void current_date(char date[32]) {
    time_t now = time(NULL);
    struct tm utc;
    strcpy(date, "unknown");
    if (gmtime_r(&now, &utc))
        strftime(date, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

char *uns_meta_text(const uns_record *record) {
    char cpu[256], date[32];
    uns_machine_cpu(cpu, sizeof cpu);
    current_date(date);
    json_t *root = json_pack(
        "{s:s,s:s,s:s,s:s,s:i,s:o,s:s,s:s,s:o}", "version", UNS_VERSION, "cpu", cpu, "isa",
        uns_context_isa(record->context), "blas", uns_context_blas(record->context), "threads",
        uns_context_threads(record->context), "seeds", encode_seeds(record), "compiler",
        compiler, "date", date, "host", encode_host());
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return text;
}
