/* SPDX-License-Identifier: MIT
 * The characters of YAML: strict UTF-8 (RFC 3629: no overlong forms, no surrogates), quotes and
 * escapes. The text is checked before libfyaml sees it, because version 0.7.12 takes a bad byte
 * for the end of the input without a word; scalars are unquoted here, because its own way leaks
 * from eight escapes on.
 */
#include "run/yaml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t uns_yaml_character(const char *place, size_t left, unsigned *code) {
    const unsigned char *text = (const unsigned char *)place;
    static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = text[0] < 0x80   ? 1
                   : text[0] < 0xc0 ? 0
                   : text[0] < 0xe0 ? 2
                   : text[0] < 0xf0 ? 3
                   : text[0] < 0xf8 ? 4
                                    : 0;
    if (bytes == 0 || bytes > left)
        return 0;
    *code = bytes == 1 ? text[0] : text[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    bool valid = *code >= least[bytes] && *code <= 0x10ffff && (*code & ~0x7ffu) != 0xd800;
    return valid ? bytes : 0;
}

static bool is_control(unsigned code) {
    return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
           (code >= 0x7f && code < 0xa0) || code == 0xfffe || code == 0xffff;
}

uns_status uns_yaml_check_text(uns_context *context, const char *source, bool placed,
                               const char *text, size_t length) {
    uns_yaml place = {.source = source, .line = placed, .column = placed};
    unsigned code = 0;
    for (size_t i = 0, size; i < length; i += size) {
        size = uns_yaml_character(text + i, length - i, &code);
        if (size == 0)
            return uns_yaml_at(context, &place,
                               uns_fail(context, UNS_ERROR_FORMAT,
                                        "the byte 0x%02x is not UTF-8 text",
                                        (unsigned char)text[i]));
        if (is_control(code))
            return uns_yaml_at(context, &place,
                               uns_fail(context, UNS_ERROR_FORMAT,
                                        "the control character 0x%02x is not allowed", code));
        place.column += placed;
        if (placed && code == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return UNS_OK;
}

static bool is_word(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The UTF-8 of `code`, at most 4 bytes; its length, 0 when it is no character. */
static size_t write_character(unsigned code, char *out) {
    unsigned char *bytes = (unsigned char *)out;
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    bytes[0] = (unsigned char)(lead[length] | code);
    return uns_yaml_character(out, length, &code);
}

/* \x41, \u0041, \U00000041: `text` is at the letter; the bytes read are its length, or 0. */
static size_t read_number(const char *text, size_t left, unsigned *code) {
    size_t digits = *text == 'x' ? 2 : *text == 'u' ? 4 : *text == 'U' ? 8 : 0;
    if (digits == 0 || left <= digits)
        return 0;
    *code = 0;
    for (size_t i = 1; i <= digits; i++) {
        const char *known = "0123456789abcdef";
        const char *digit = strchr(known, text[i] | (text[i] >= 'A' ? 0x20 : 0));
        if (!digit || !*digit || *code > 0x10ffff)
            return 0;
        *code = *code << 4 | (unsigned)(digit - known);
    }
    return *code > 0x10ffff ? 0 : digits + 1;
}

/* The escape behind a backslash; its length in `text`, 0 when it is none. */
static size_t read_escape(const char *text, size_t left, unsigned *code) {
    static const char letters[] = "a\ab\bt\tn\nv\vf\fr\re\x1b  \"\"//\\\\";
    for (const char *pair = letters; left && *pair; pair += 2)
        if (*pair == *text) {
            *code = (unsigned char)pair[1];
            return 1;
        }
    return left ? read_number(text, left, code) : 0;
}

static bool unescape(const char *text, size_t length, char *out) {
    for (size_t i = 0, used; i < length; i += used) {
        unsigned code;
        used = 1;
        if (text[i] != '\\') {
            *out++ = text[i];
            continue;
        }
        size_t escape = read_escape(text + i + 1, length - i - 1, &code);
        size_t written = escape && code ? write_character(code, out) : 0;
        if (written == 0)
            return false;
        out += written;
        used += escape;
    }
    *out = '\0';
    return true;
}

bool uns_yaml_unquote(char quote, const char *text, size_t length, char *out) {
    if (quote == '"')
        return unescape(text, length, out);
    for (size_t i = 0; i < length; i++) {
        *out++ = text[i];
        i += text[i] == '\''; /* two for one */
    }
    *out = '\0';
    return true;
}

/* Whether text can stand unquoted and is not taken for nothing. */
static bool is_plain(const char *text) {
    const char *start = text + (*text == '-' || *text == '+');
    if (!is_word((unsigned char)*start) || strcasecmp(text, "null") == 0)
        return false;
    for (const char *c = start; *c; c++)
        if (!is_word((unsigned char)*c) && !strchr("_.+^/-", *c))
            return false;
    return true;
}

/* What must be escaped between double quotes, or may be taken for the end of a line. */
static bool needs_escape(unsigned code) {
    return code < 0x20 || is_control(code) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff;
}

void uns_yaml_quote(const char *text, char *out) {
    size_t left = strnlen(text, UNS_YAML_LONGEST_VALUE);
    if (is_plain(text)) {
        snprintf(out, UNS_YAML_QUOTED, "%.*s", (int)left, text);
        return;
    }
    *out++ = '"';
    unsigned code = 0;
    for (size_t size; left && (size = uns_yaml_character(text, left, &code)); text += size) {
        left -= size;
        if (code == '"' || code == '\\')
            *out++ = '\\';
        if (needs_escape(code))
            out += sprintf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
        else
            out = (char *)memcpy(out, text, size) + size;
    }
    strcpy(out, "\"");
}
