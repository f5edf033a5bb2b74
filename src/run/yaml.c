/* SPDX-License-Identifier: MIT
 * libfyaml's events made into a tree of our own: with the place of every node, memory from the
 * context, aliases shared, sizes bounded. libfyaml's messages are collected, never printed.
 */
#include "run/yaml.h"

#include <libfyaml.h>
#include <string.h>

typedef struct anchor {
    const char *name;
    uns_yaml *node; /* NULL while the node is being read: an alias inside itself */
} anchor;

typedef struct reader {
    uns_store *store;
    uns_yaml last; /* where the reader is: source and place of the latest event */
    bool placed;
    struct fy_diag *diag;
    struct fy_parser *parser;
    struct fy_event *event;
    anchor *anchors;
    size_t anchor_count;
    const char *text;
    size_t length;
    char stray[160]; /* what libfyaml says without a place */
} reader;

uns_status uns_yaml_at(uns_context *context, const uns_yaml *node, uns_status status) {
    if (node->line)
        return uns_fail_at(context, status, "%s:%u:%u", node->source, node->line, node->column);
    return uns_fail_at(context, status, "%s", node->source);
}

const char *uns_yaml_place(uns_store *store, const uns_yaml *node) {
    if (node->line)
        return uns_store_format(store, "%s:%u:%u", node->source, node->line, node->column);
    return uns_store_format(store, "%s", node->source);
}

const char *uns_yaml_kind_text(const uns_yaml *node) {
    static const char *const names[] = {"nothing", "a single value", "a list", "a mapping"};
    return names[node->kind];
}

/* A failure at the latest event. */
static uns_status refuse(reader *r, const char *why) {
    return uns_yaml_at(r->store->context, &r->last,
                       uns_fail(r->store->context, UNS_ERROR_FORMAT, "%s", why));
}

static uns_status syntax_error(reader *r) {
    void *state = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(r->diag, &state);
    if (!error)
        return refuse(r, r->stray[0] ? r->stray : "this is not YAML");
    if (r->placed && error->line > 0) {
        r->last.line = (unsigned)error->line;
        r->last.column = (unsigned)error->column;
    }
    return refuse(r, error->msg);
}

static void keep_stray(struct fy_diag *diag, void *user, const char *text, size_t length) {
    (void)diag;
    reader *r = user;
    static const char lead[] = "[ERR]: ";
    if (length >= sizeof lead && memcmp(text, lead, sizeof lead - 1) == 0) {
        text += sizeof lead - 1;
        length -= sizeof lead - 1;
    }
    while (length && text[length - 1] == '\n')
        length--;
    if (length < sizeof r->stray && !r->stray[0])
        memcpy(r->stray, text, length);
}

/* The next event, never NULL; at the end of the stream it stays there. */
static uns_status advance(reader *r) {
    fy_parser_event_free(r->parser, r->event);
    r->event = fy_parser_parse(r->parser);
    if (!r->event)
        return syntax_error(r);
    const struct fy_mark *mark = fy_event_start_mark(r->event);
    if (mark && r->placed) {
        r->last.line = (unsigned)mark->line + 1;
        r->last.column = (unsigned)mark->column + 1;
    }
    return UNS_OK;
}

static uns_yaml *new_node(reader *r, uns_yaml_kind kind) {
    uns_yaml *node = uns_store_take(r->store, sizeof *node);
    if (node) {
        *node = r->last;
        node->kind = kind;
        node->weight = 1;
    }
    return node;
}

/* libfyaml's marks of quoted scalars and aliases are behind the sign that begins them. */
static void step_back(reader *r) {
    r->last.column -= r->last.column > 1;
}

/* The text of a token as it stands in the input. libfyaml's own copy is left alone: the code
 * behind fy_token_get_text leaks and worse on odd scalars in the version at hand. */
static const char *token_text(const reader *r, struct fy_token *token, size_t *length) {
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    bool sound = start && end && start->input_pos <= end->input_pos &&
                 end->input_pos <= r->length && start->line == end->line;
    *length = sound ? end->input_pos - start->input_pos : 0;
    return sound ? r->text + start->input_pos : NULL;
}

static uns_status find_alias(reader *r, uns_yaml **out) {
    size_t length = 0;
    const char *name = token_text(r, r->event->alias.anchor, &length);
    step_back(r);
    for (size_t i = r->anchor_count; i-- > 0;) {
        const anchor *known = &r->anchors[i];
        if (strlen(known->name) != length || memcmp(known->name, name, length) != 0)
            continue;
        *out = known->node;
        return known->node ? UNS_OK : refuse(r, "an alias inside what it stands for");
    }
    return refuse(r, "an alias without its anchor");
}

/* Remembers the anchor of the node that begins; its node is filled in when it is complete. */
static uns_status note_anchor(reader *r, struct fy_token *token, size_t *index) {
    enum {
        MOST_ANCHORS = 1000
    };
    *index = SIZE_MAX;
    if (!token)
        return UNS_OK;
    if (r->anchor_count == MOST_ANCHORS)
        return refuse(r, "too many anchors");
    size_t length = 0;
    const char *name = token_text(r, token, &length);
    r->anchors = uns_store_grown(r->store, r->anchors, r->anchor_count, sizeof *r->anchors);
    char *copy = r->anchors && name ? uns_store_text(r->store, name, length) : NULL;
    if (!copy)
        return UNS_ERROR_MEMORY;
    *index = r->anchor_count;
    r->anchors[r->anchor_count++] = (anchor){.name = copy};
    return UNS_OK;
}

static bool is_null_word(const char *text, size_t length) {
    return length == 0 || (length == 1 && text[0] == '~') ||
           (length == 4 && (memcmp(text, "null", 4) == 0 || memcmp(text, "Null", 4) == 0 ||
                            memcmp(text, "NULL", 4) == 0));
}

static char quote_of(struct fy_token *token) {
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
    return style == FYSS_SINGLE_QUOTED ? '\'' : style == FYSS_DOUBLE_QUOTED ? '"' : 0;
}

static uns_status read_scalar(reader *r, uns_yaml **out) {
    struct fy_token *token = r->event->scalar.value;
    char quote = quote_of(token);
    if (quote)
        step_back(r);
    size_t length = 0;
    const char *text = token ? token_text(r, token, &length) : "";
    if (!text || (token && fy_token_scalar_style(token) > FYSS_DOUBLE_QUOTED))
        return refuse(r, "a value must stand in one line");
    uns_yaml *node = new_node(r, UNS_YAML_SCALAR);
    char *copy = node ? uns_store_text(r->store, text, length) : NULL;
    if (!copy)
        return UNS_ERROR_MEMORY;
    if (!quote && is_null_word(text, length))
        node->kind = UNS_YAML_NULL;
    if (quote && !uns_yaml_unquote(quote, text, length, copy))
        return refuse(r, "an escape that stands for no character");
    if (strlen(copy) > UNS_YAML_LONGEST_VALUE)
        return refuse(r, "a value of more than 511 bytes");
    node->text = copy;
    *out = node;
    return UNS_OK;
}

static uns_status read_node(reader *r, unsigned depth, uns_yaml **out);

static uns_status check_key(reader *r, const uns_yaml *key) {
    uns_context *context = r->store->context;
    if (key->kind != UNS_YAML_SCALAR)
        return uns_yaml_at(context, key,
                           uns_fail(context, UNS_ERROR_FORMAT, "a key must be a word, not %s",
                                    uns_yaml_kind_text(key)));
    if (strlen(key->text) > UNS_YAML_LONGEST_KEY)
        return uns_yaml_at(context, key,
                           uns_fail(context, UNS_ERROR_FORMAT, "a key of more than %d bytes",
                                    UNS_YAML_LONGEST_KEY));
    return UNS_OK;
}

static uns_status append(reader *r, uns_yaml *parent, uns_yaml *child) {
    parent->items = uns_store_grown(r->store, parent->items, parent->count, sizeof(uns_yaml *));
    if (!parent->items)
        return UNS_ERROR_MEMORY;
    parent->items[parent->count++] = child;
    parent->weight += child->weight;
    if (parent->weight > UNS_YAML_MOST_NODES)
        return refuse(r, "more than 2000000 values, aliases written out");
    return UNS_OK;
}

static uns_status read_items(reader *r, unsigned depth, enum fy_event_type end,
                             uns_yaml *node) {
    if (depth >= UNS_YAML_DEEPEST)
        return refuse(r, "nested too deeply");
    UNS_TRY(advance(r));
    while (r->event->type != end) {
        uns_yaml *child;
        UNS_TRY(read_node(r, depth + 1, &child));
        if (node->kind == UNS_YAML_MAPPING && node->count % 2 == 0)
            UNS_TRY(check_key(r, child));
        UNS_TRY(append(r, node, child));
        UNS_TRY(advance(r));
    }
    return UNS_OK;
}

static struct fy_token *anchor_of(const struct fy_event *event) {
    return event->type == FYET_SCALAR           ? event->scalar.anchor
           : event->type == FYET_MAPPING_START  ? event->mapping_start.anchor
           : event->type == FYET_SEQUENCE_START ? event->sequence_start.anchor
                                                : NULL;
}

static struct fy_token *tag_of(const struct fy_event *event) {
    return event->type == FYET_SCALAR           ? event->scalar.tag
           : event->type == FYET_MAPPING_START  ? event->mapping_start.tag
           : event->type == FYET_SEQUENCE_START ? event->sequence_start.tag
                                                : NULL;
}

static uns_status read_container(reader *r, unsigned depth, uns_yaml **out) {
    bool mapping = r->event->type == FYET_MAPPING_START;
    if (!mapping && r->event->type != FYET_SEQUENCE_START)
        return refuse(r, "a value is missing");
    uns_yaml *node = new_node(r, mapping ? UNS_YAML_MAPPING : UNS_YAML_LIST);
    if (!node)
        return UNS_ERROR_MEMORY;
    UNS_TRY(read_items(r, depth, mapping ? FYET_MAPPING_END : FYET_SEQUENCE_END, node));
    *out = node;
    return UNS_OK;
}

/* The node that begins at the current event; leaves its last event current. */
static uns_status read_node(reader *r, unsigned depth, uns_yaml **out) {
    size_t name;
    if (r->event->type == FYET_ALIAS)
        return find_alias(r, out);
    if (tag_of(r->event))
        return refuse(r, "tags (!...) have no meaning here");
    UNS_TRY(note_anchor(r, anchor_of(r->event), &name));
    if (r->event->type == FYET_SCALAR)
        UNS_TRY(read_scalar(r, out));
    else
        UNS_TRY(read_container(r, depth, out));
    if (name != SIZE_MAX)
        r->anchors[name].node = *out;
    return UNS_OK;
}

static uns_status read_document(reader *r, uns_yaml **root) {
    uns_yaml *node = new_node(r, UNS_YAML_NULL);
    if (!node)
        return UNS_ERROR_MEMORY;
    UNS_TRY(advance(r)); /* stream start */
    UNS_TRY(advance(r));
    if (r->event->type == FYET_DOCUMENT_START) {
        UNS_TRY(advance(r));
        UNS_TRY(read_node(r, 0, &node));
        UNS_TRY(advance(r)); /* document end */
        UNS_TRY(advance(r));
    }
    if (r->event->type != FYET_STREAM_END)
        return refuse(r, "a second document begins here; one is expected");
    *root = node;
    return UNS_OK;
}

uns_status uns_yaml_read(uns_store *store, const char *source, bool placed, const char *text,
                         size_t length, uns_yaml **root) {
    reader r = {.text = text,
                .length = length,
                .store = store,
                .placed = placed,
                .last = {.source = source, .line = placed, .column = placed}};
    UNS_TRY(uns_yaml_check_text(store->context, source, placed, text, length));
    struct fy_diag_cfg messages;
    fy_diag_cfg_default(&messages);
    messages.fp = NULL;
    messages.output_fn = keep_stray;
    messages.user = &r;
    messages.colorize = false;
    r.diag = fy_diag_create(&messages);
    fy_diag_set_collect_errors(r.diag, true);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = r.diag};
    r.parser = r.diag ? fy_parser_create(&config) : NULL;
    uns_status status =
        r.parser && fy_parser_set_string(r.parser, text, length) == 0
            ? read_document(&r, root)
            : uns_fail(store->context, UNS_ERROR_MEMORY, "out of memory for reading YAML");
    fy_parser_event_free(r.parser, r.event);
    fy_parser_destroy(r.parser);
    fy_diag_destroy(r.diag);
    return status;
}
