/*
 * ngx_http_node_module.so: JavaScript handlers as nginx directives, without Lua.
 *
 *     load_module ngx_http_node_module.so;
 *     location /hello { node_content demo/hello; }
 *     location /admin { node_access demo/gate; proxy_pass ...; }
 *
 * Its rooms: ngx_http_node_module.c has the directives and the phases, runtime.c the
 * modules and nginx's event loop, turn.c the calls of one turn of it, message.c what goes to a handler and what comes
 * back, metrics.c what they count, body.c and stream.c bodies that go there and come back in pieces; http.js and
 * streams.js are what these look like in JavaScript.
 */
#ifndef RF_NODE_H
#define RF_NODE_H

#include <ngx_config.h>

#include <ngx_core.h>

#include <ngx_http.h>

#include "biffi.h"

enum { NODE_BUCKETS = 24 };

/* Calls of a runtime. `latency`: answers that took less than 2^(i + 1) microseconds, the last one the rest, too. */
typedef struct {
	uint64_t calls, answers, errors, timeouts, aborts, latency[NODE_BUCKETS];
} node_counts_t;

/* A module as a configuration names it; one for all locations that name it alike. */
typedef struct {
	ngx_str_t name, folder, program, config; /* each with a NUL behind it; empty: not given */
	ngx_uint_t mode;
	ngx_int_t threads;
	ngx_msec_t watchdog;

	/* the worker's */
	biffi *module; /* NULL: not open */
	node_counts_t counts;
	ngx_msec_t failed; /* when opening failed; it is tried again a second later */
	ngx_connection_t *connection;
	ngx_event_t timer, watch, sent;
} node_runtime_t;

/* A call under way. It outlives its request when that ends first. */
typedef struct {
	ngx_http_request_t *request; /* NULL: it has ended */
	node_runtime_t *runtime;
	ngx_queue_t link;     /* of turn.c while it is `due`; then until it is answered */
	uint64_t id, started; /* node_clock() */
	u_char *bytes;        /* what the handler gets; libbiffi's until the answer, as is */
	size_t head, body;    /* lengths in `bytes` */
	char method[32];      /* the method, which may be cut */
	ngx_event_t timeout;
	ngx_msec_t wait; /* how long it may take */
	unsigned due : 1;
	unsigned starting : 1; /* whoever makes it looks for its answer itself */
	unsigned answered : 1;
	unsigned access : 1; /* otherwise content */
	ngx_int_t code;      /* of the answer; bytes as libbiffi gave them */
	char *answer;
	size_t length;
} node_call_t;

typedef struct node_stream_s node_stream_t;
typedef struct node_body_s node_body_t;

/* What a request has to do with handlers beside its call for the content. */
typedef struct {
	node_call_t *access;
	node_stream_t *stream;
	node_body_t *body; /* what is read of it while the handler runs; NULL: nothing */
} node_exchange_t;

/* The request goes on by itself and must not be finalised: it may have ended by now. */
#define NODE_GOES_ON NGX_BUSY

/* Milliseconds. A wait always has a timer: a worker that has none left ends, whoever waits. */
#define NODE_NO_LIMIT 1000000000

/* The request's; NULL: out of memory. */
node_exchange_t *node_exchange_of(ngx_http_request_t *r);

/* NGX_OK, or NGX_ERROR after a line in the log. */
ngx_int_t node_runtime_ready(node_runtime_t *runtime, ngx_log_t *log);

/* Sends its bytes; `done` may have run when this returns. */
void node_runtime_call(node_runtime_t *runtime, node_call_t *call, biffi_done done);

/* Sends it to where that call went; the bytes stay as they are until `done` has run. */
void node_runtime_send(node_runtime_t *runtime, uint64_t id, const char *method, const void *bytes, size_t length,
		       biffi_done done, void *data);

/* Its answer has come: before anything else is done with it. */
void node_runtime_answered(node_call_t *call);
void node_runtime_abort(node_runtime_t *runtime, uint64_t id);

uint64_t node_clock(void); /* microseconds */
void node_counts_answer(node_counts_t *counts, uint64_t started, ngx_int_t code);

/* node_metrics: runtimes are node_runtime_t *. What the phase returns. */
ngx_int_t node_metrics_send(ngx_http_request_t *r, const ngx_array_t *runtimes);

/* The worker ends. */
void node_runtimes_end(void);

/*
 * Calls for the end of nginx's turn, and what has to be done once an answer is there: `make`
 * runs for each call of the turn, then `resume` for each that was given to node_turn_answered()
 * meanwhile.
 */
void node_turn_add(node_call_t *call, void (*make)(node_call_t *call), void (*resume)(node_call_t *call));
void node_turn_answered(node_call_t *call);
void node_turn_remove(node_call_t *call);

/* What a request is sent for; the values are what http.js reads. */
typedef enum { NODE_ACCESS = 'a', NODE_CONTENT = 'c', NODE_UNBUFFERED = 'u' } node_phase_t;

/*
 * A request as http.js reads it, a head and behind it a body, of which `rest` (NULL:
 * nothing) is to come: malloc'ed. NULL: out of memory.
 */
u_char *node_message_of(ngx_http_request_t *r, node_phase_t phase, node_body_t *rest, size_t *head, size_t *length);

/* A number in bytes. Returns what is behind it. */
enum { NODE_NUMBER = 8 };
u_char *node_number_put(u_char *to, uint64_t number);

/* What nginx has read of a body: its length, and the bytes, whose memory nginx uses again. */
size_t node_body_length(ngx_http_request_t *r);
void node_body_take(ngx_http_request_t *r, u_char *to);

/* Puts an answer of http.js into the request's status and headers; what follows begins at `*body`. */
ngx_int_t node_message_head(ngx_http_request_t *r, const char *answer, size_t length, size_t *body);

/* Where what follows begins; false: the bytes are none of http.js's. */
int node_message_body(const char *answer, size_t length, size_t *body);

/* Whether a stream follows. */
int node_message_is_stream(const char *answer, size_t length);

/*
 * Sends the answer of a call, whose body is a stream: NODE_GOES_ON, or what the phase
 * finalises the request with. A piece may take `wait` milliseconds, 0: for ever.
 */
ngx_int_t node_stream_start(ngx_http_request_t *r, node_call_t *call, ngx_msec_t wait, size_t body);

/* Tells the handler's side that nobody wants the stream. Frees the answer. */
void node_stream_release(node_runtime_t *runtime, uint64_t id, char *answer, size_t body, size_t length);

/* A body that is read while its call runs, from the start on. It is the request's. NULL: out of memory. */
node_body_t *node_body_new(ngx_http_request_t *r, node_runtime_t *runtime);
uint64_t node_body_number(const node_body_t *body);
void node_body_start(node_body_t *body, uint64_t call);
void node_body_stop(node_body_t *body);

#endif
