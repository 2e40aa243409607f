/*
 * Bodies of requests that go to the handler as they come (node_request_buffering off).
 * The call brings what has come with the head, and a number. Each further piece is a
 * message after the call; the next is read from the client once the handler has taken
 * the one before, so that a slow handler slows the client and nothing grows.
 */
#include "node.h"

#include <ngx_event.h>

enum { HEAD = NODE_NUMBER + 1 /* of a piece: the body's number, and whether it is the last */ };

struct node_body_s {
	ngx_http_request_t *request; /* NULL: it has ended */
	node_exchange_t *exchange;
	node_runtime_t *runtime;
	uint64_t id; /* of the call */
	uint64_t number;
	u_char *piece; /* what the handler has not taken; NULL: nothing */
	unsigned running : 1;
	unsigned stopped : 1; /* the handler wants no more, or has it all */
};

static void run(node_body_t *body);
static void on_client(ngx_http_request_t *r);

static void body_free(node_body_t *body)
{
	if (!body->request && !body->piece) {
		free(body);
	}
}

static void on_taken(void *data, int code, char *bytes, size_t length)
{
	node_body_t *body = data;

	(void)length;
	free(body->piece);
	body->piece = NULL;
	if (code != 0 || bytes) {
		body->stopped = 1; /* bytes say so; when the handler's side has ended, its call says what to do */
	}
	free(bytes);
	if (!body->request) {
		body_free(body);
	} else if (!body->running) {
		ngx_connection_t *c = body->request->connection;

		run(body);
		ngx_http_run_posted_requests(c);
	}
}

/* What nginx has read becomes a piece. False: out of memory. */
static int take(node_body_t *body, size_t *length)
{
	ngx_http_request_t *r = body->request;
	size_t size = node_body_length(r);
	u_char *at;

	*length = 0;
	if (size == 0 && r->reading_body) {
		return 1;
	}
	body->piece = malloc(HEAD + size);
	if (!body->piece) {
		return 0;
	}
	at = node_number_put(body->piece, body->number);
	*at++ = !r->reading_body;
	node_body_take(r, at);
	*length = HEAD + size;
	return 1;
}

/* Until there is something to wait for. The request may have ended afterwards. */
static void run(node_body_t *body)
{
	ngx_http_request_t *r = body->request;
	size_t length;
	ngx_int_t rc;

	body->running = 1;
	while (!body->stopped && !body->piece) {
		rc = ngx_http_read_unbuffered_request_body(r);
		if (rc >= NGX_HTTP_SPECIAL_RESPONSE || !take(body, &length)) {
			/* What has begun can't become another answer. */
			ngx_http_finalize_request(r, r->header_sent ? NGX_ERROR
						     : rc >= NGX_HTTP_SPECIAL_RESPONSE
							 ? rc
							 : NGX_HTTP_INTERNAL_SERVER_ERROR);
			return;
		}
		if (!body->piece) {
			break; /* the client's next bytes come with an event */
		}
		if (r->connection->read->timer_set) {
			ngx_del_timer(r->connection->read); /* it is not the client who is waited for */
		}
		body->stopped = !r->reading_body;
		node_runtime_send(body->runtime, body->id, "piece", body->piece, length, on_taken, body);
	}
	if (body->stopped && r->read_event_handler == on_client) {
		r->read_event_handler = ngx_http_test_reading;
	}
	body->running = 0;
}

static void on_client(ngx_http_request_t *r)
{
	node_exchange_t *exchange = node_exchange_of(r);
	node_body_t *body = exchange ? exchange->body : NULL;
	ngx_event_t *event = r->connection->read;

	if (!body || body->running) {
		return;
	}
	if (!body->piece) {
		run(body);
	} else if (event->pending_eof || r->connection->error) {
		ngx_http_test_reading(r);
	} else if (ngx_handle_read_event(event, 0) != NGX_OK) {
		ngx_http_finalize_request(r, r->header_sent ? NGX_ERROR : NGX_HTTP_INTERNAL_SERVER_ERROR);
	}
}

static void on_request_end(void *data)
{
	node_body_t *body = data;

	body->exchange->body = NULL;
	body->request = NULL;
	body_free(body);
}

node_body_t *node_body_new(ngx_http_request_t *r, node_runtime_t *runtime)
{
	static uint64_t last;
	node_exchange_t *exchange = node_exchange_of(r);
	ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, 0);
	node_body_t *body = exchange && cleanup ? calloc(1, sizeof(*body)) : NULL;

	if (body) {
		cleanup->handler = on_request_end;
		cleanup->data = exchange->body = body;
		body->exchange = exchange;
		body->request = r;
		body->runtime = runtime;
		body->number = ++last;
	}
	return body;
}

uint64_t node_body_number(const node_body_t *body)
{
	return body->number;
}

void node_body_start(node_body_t *body, uint64_t call)
{
	body->id = call;
	if (!body->stopped) {
		body->request->read_event_handler = on_client;
		run(body);
	}
}

void node_body_stop(node_body_t *body)
{
	body->stopped = 1;
}
