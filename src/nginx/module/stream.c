/*
 * Answers whose body comes in pieces. The head of the answer brought the stream's
 * name; the handler's side is asked for the next piece once nginx has given the one
 * before to the client, so that a slow client slows the handler and nothing grows.
 *
 * What can't become a complete response closes the connection: no client takes a part
 * of a body for the whole.
 */
#include "node.h"

#include <ngx_event.h>

enum { PIECES_A_TURN = 16 /* then other connections have theirs */ };

typedef struct piece_s {
	struct piece_s *next;
	ngx_buf_t buf;
	char *bytes;
} piece_t;

struct node_stream_s {
	ngx_http_request_t *request; /* NULL: it has ended */
	node_runtime_t *runtime;
	uint64_t id;  /* the call that was answered with it: the stream lives where that went */
	char *answer; /* the name is in it */
	u_char *name;
	size_t name_length;
	off_t left;      /* of the length that the handler gave; -1: it gave none */
	ngx_msec_t wait; /* how long a piece may take */
	ngx_event_t late, turn;
	piece_t *sent, *unused; /* nginx may still need them; those that it does not */
	ngx_uint_t calls;       /* of this stream that are not answered */
	unsigned asked : 1;
	unsigned arrived : 1; /* the three below are an answer */
	unsigned running : 1;
	unsigned blocked : 1; /* the client takes no more at the moment */
	unsigned done : 1;    /* nothing is to be asked or released any more */
	int code;
	char *bytes;
	size_t length;
};

static void run(node_stream_t *stream);

static void stream_free(node_stream_t *stream)
{
	if (!stream->request && stream->calls == 0) {
		free(stream->bytes);
		free(stream->answer);
		free(stream);
	}
}

/* --- the handler's side ----------------------------------------------------------------- */

static void on_piece(void *data, int code, char *bytes, size_t length)
{
	node_stream_t *stream = data;

	stream->calls--;
	stream->asked = 0;
	stream->arrived = 1;
	stream->code = code;
	stream->bytes = bytes;
	stream->length = length;
	if (!stream->request) {
		stream_free(stream);
	} else if (!stream->running) {
		ngx_connection_t *c = stream->request->connection;

		run(stream);
		ngx_http_run_posted_requests(c);
	}
}

static void ask(node_stream_t *stream)
{
	stream->asked = 1;
	stream->calls++;
	node_runtime_send(stream->runtime, stream->id, "next", stream->name, stream->name_length, on_piece, stream);
	if (stream->asked) {
		ngx_add_timer(&stream->late, stream->wait);
	}
}

static void on_released(void *data, int code, char *bytes, size_t length)
{
	node_stream_t *stream = data;

	(void)code;
	(void)length;
	free(bytes);
	stream->calls--;
	stream_free(stream);
}

/* There is no request any more; the answers to come are the last that know the stream. */
static void release(node_stream_t *stream)
{
	stream->done = 1;
	stream->calls++;
	node_runtime_send(stream->runtime, stream->id, "end", stream->name, stream->name_length, on_released, stream);
}

/* --- the client's side ------------------------------------------------------------------ */

/* What has left is freed; true when nothing is in nginx's hands any more. */
static int forget_sent(node_stream_t *stream)
{
	for (piece_t **link = &stream->sent, *piece; (piece = *link) != NULL;) {
		if (ngx_buf_size(&piece->buf) != 0) {
			link = &piece->next;
			continue;
		}
		*link = piece->next;
		free(piece->bytes);
		piece->bytes = NULL;
		piece->next = stream->unused;
		stream->unused = piece;
	}
	return stream->sent == NULL;
}

/* Whether nginx could not give everything to the client. A subrequest's turn may not have come. */
static int is_blocked(node_stream_t *stream)
{
	ngx_http_request_t *r = stream->request;

	return !forget_sent(stream) && (r->buffered || r->connection->buffered || r->connection->data != r);
}

/* `bytes` is freed when what lies between `pos` and `last`, a part of it, has left. */
static ngx_int_t give(node_stream_t *stream, char *bytes, u_char *pos, u_char *last)
{
	ngx_http_request_t *r = stream->request;
	piece_t *piece = stream->unused;
	ngx_chain_t out;

	if (pos == last) {
		free(bytes);
		return ngx_http_send_special(r, NGX_HTTP_FLUSH);
	}
	if (piece) {
		stream->unused = piece->next;
	} else {
		piece = ngx_palloc(r->pool, sizeof(*piece));
		if (!piece) {
			free(bytes);
			return NGX_ERROR;
		}
	}
	ngx_memzero(piece, sizeof(*piece));
	piece->bytes = bytes;
	piece->buf.start = piece->buf.pos = pos;
	piece->buf.end = piece->buf.last = last;
	piece->buf.memory = 1;
	piece->buf.flush = 1;
	piece->next = stream->sent;
	stream->sent = piece;
	out = (ngx_chain_t){&piece->buf, NULL};
	return ngx_http_output_filter(r, &out);
}

static void fail(node_stream_t *stream, const char *why, size_t length)
{
	ngx_http_request_t *r = stream->request;
	ngx_connection_t *c = r->connection;
	struct linger reset = {.l_onoff = 1};

	if (why) {
		ngx_log_error(NGX_LOG_ERR, c->log, 0, "node: %V: %*s", &stream->runtime->name, length, why);
	}
#if (NGX_HTTP_SSL)
	if (c->ssl) {
		c->ssl->no_send_shutdown = 1;
	}
#endif
	/* Where the end of the connection is the end of the body, only a reset says that it is not. */
	if (r->main->headers_out.content_length_n < 0 && !r->main->chunked && r->http_version < NGX_HTTP_VERSION_20 &&
	    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0) {
		ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno, "node: setsockopt(SO_LINGER) failed");
	}
	ngx_http_finalize_request(r, NGX_ERROR);
}

static void finish(node_stream_t *stream)
{
	char text[96];

	stream->done = 1;
	if (node_exchange_of(stream->request)->body) {
		node_body_stop(node_exchange_of(stream->request)->body);
	}
	if (stream->left > 0) {
		fail(stream, text,
		     (size_t)snprintf(text, sizeof(text), "the stream has ended %lld bytes before its content-length",
				      (long long)stream->left));
		return;
	}
	ngx_http_finalize_request(stream->request, ngx_http_send_special(stream->request, NGX_HTTP_LAST));
}

static const char more[] = "the stream is longer than its content-length";

/* False: these bytes are more than the handler has announced. */
static int counted(node_stream_t *stream, size_t length)
{
	if (stream->left < 0) {
		return 1;
	}
	if ((off_t)length > stream->left) {
		return 0;
	}
	stream->left -= (off_t)length;
	return 1;
}

/* The answer that has arrived. True when the stream goes on. */
static int take(node_stream_t *stream)
{
	char *bytes = stream->bytes;
	size_t length = stream->length;

	stream->arrived = 0;
	stream->bytes = NULL;
	if (stream->late.timer_set) {
		ngx_del_timer(&stream->late);
	}
	if (stream->code != 0) {
		stream->done = 1; /* that was its last answer */
		fail(stream, bytes ? bytes : "out of memory", bytes ? length : 13);
		free(bytes);
		return 0;
	}
	if (!bytes) {
		finish(stream);
		return 0;
	}
	if (!counted(stream, length)) {
		free(bytes);
		fail(stream, more, sizeof(more) - 1);
		return 0;
	}
	if (give(stream, bytes, (u_char *)bytes, (u_char *)bytes + length) == NGX_ERROR) {
		fail(stream, NULL, 0);
		return 0;
	}
	return 1;
}

/* False: the request has ended. */
static int wait_for_client(node_stream_t *stream)
{
	ngx_http_request_t *r = stream->request;
	ngx_event_t *wev = r->connection->write;
	ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

	stream->blocked = 1;
	if (r->connection->data != r) {
		return 1; /* nginx comes back when it is this subrequest's turn */
	}
	if (!wev->delayed) {
		ngx_add_timer(wev, core->send_timeout);
	}
	if (ngx_handle_write_event(wev, core->send_lowat) != NGX_OK) {
		fail(stream, NULL, 0);
		return 0;
	}
	return 1;
}

/* Until there is something to wait for. The request may have ended afterwards. */
static void run(node_stream_t *stream)
{
	stream->running = 1;
	for (int pieces = 0;; pieces++) {
		if (stream->arrived && !take(stream)) {
			return; /* it stays marked: nothing runs any more */
		}
		if (is_blocked(stream)) {
			if (!wait_for_client(stream)) {
				return;
			}
			break;
		}
		if (pieces == PIECES_A_TURN) {
			ngx_post_event(&stream->turn, &ngx_posted_next_events);
			break;
		}
		ask(stream);
		if (!stream->arrived) {
			break;
		}
	}
	stream->running = 0;
}

static void on_client(ngx_http_request_t *r)
{
	node_stream_t *stream = node_exchange_of(r)->stream;
	ngx_connection_t *c = r->connection;

	if (!stream->blocked || stream->running) {
		return;
	}
	if (c->write->timedout) {
		ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
		c->timedout = 1;
		fail(stream, NULL, 0);
		return;
	}
	if (!c->write->delayed && ngx_http_output_filter(r, NULL) == NGX_ERROR) {
		fail(stream, NULL, 0);
		return;
	}
	if (is_blocked(stream)) {
		wait_for_client(stream);
		return;
	}
	stream->blocked = 0;
	if (c->write->timer_set && !c->write->delayed) {
		ngx_del_timer(c->write);
	}
	run(stream);
}

/* --- from start to end ------------------------------------------------------------------ */

static void on_turn(ngx_event_t *event)
{
	node_stream_t *stream = event->data;
	ngx_connection_t *c = stream->request->connection;

	run(stream);
	ngx_http_run_posted_requests(c);
}

static void on_late(ngx_event_t *event)
{
	static const char text[] = "the next piece of the stream did not come in time";
	node_stream_t *stream = event->data;
	ngx_connection_t *c = stream->request->connection;

	fail(stream, text, sizeof(text) - 1);
	ngx_http_run_posted_requests(c);
}

/* The request ends: with the stream, or before it. */
static void on_request_end(void *data)
{
	node_stream_t *stream = data;

	if (stream->late.timer_set) {
		ngx_del_timer(&stream->late);
	}
	if (stream->turn.posted) {
		ngx_delete_posted_event(&stream->turn);
	}
	for (piece_t *piece = stream->sent; piece; piece = piece->next) {
		free(piece->bytes);
	}
	stream->sent = NULL;
	stream->request = NULL;
	if (!stream->done) {
		release(stream);
	} else {
		stream_free(stream);
	}
}

static node_stream_t *stream_new(node_runtime_t *runtime, uint64_t id, char *answer, size_t body, size_t length)
{
	size_t name = length > body ? (u_char)answer[body] : 0;
	node_stream_t *stream = name && name < length - body ? calloc(1, sizeof(*stream)) : NULL;

	if (!stream) {
		free(answer);
		return NULL;
	}
	stream->runtime = runtime;
	stream->id = id;
	stream->answer = answer;
	stream->name = (u_char *)answer + body + 1;
	stream->name_length = name;
	return stream;
}

void node_stream_release(node_runtime_t *runtime, uint64_t id, char *answer, size_t body, size_t length)
{
	node_stream_t *stream = stream_new(runtime, id, answer, body, length);

	if (stream) {
		release(stream);
	}
}

ngx_int_t node_stream_start(ngx_http_request_t *r, node_call_t *call, ngx_msec_t wait, size_t body)
{
	node_exchange_t *exchange = node_exchange_of(r);
	ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, 0);
	char *answer = call->answer;
	ngx_int_t rc = NGX_ERROR;
	node_stream_t *stream;
	u_char *first;

	call->answer = NULL;
	if (exchange && cleanup) {
		rc = ngx_http_send_header(r);
	}
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
		node_stream_release(call->runtime, call->id, answer, body, call->length);
		return rc;
	}
	stream = stream_new(call->runtime, call->id, answer, body, call->length);
	if (!stream) {
		return NGX_ERROR;
	}
	cleanup->handler = on_request_end;
	cleanup->data = exchange->stream = stream;
	stream->request = r;
	stream->left = r->headers_out.content_length_n;
	stream->wait = wait ? wait : NODE_NO_LIMIT;
	stream->late.handler = on_late;
	stream->turn.handler = on_turn;
	stream->late.data = stream->turn.data = stream;
	stream->late.log = stream->turn.log = r->connection->log;
	r->connection->log->action = "sending a stream to client";
	r->write_event_handler = on_client;
	if (!r->discard_body && !r->reading_body) {
		r->read_event_handler = ngx_http_test_reading;
	}
	first = stream->name + stream->name_length;
	if (!counted(stream, (size_t)((u_char *)answer + call->length - first))) {
		fail(stream, more, sizeof(more) - 1);
		return NODE_GOES_ON;
	}
	if (give(stream, NULL, first, (u_char *)answer + call->length) == NGX_ERROR) {
		return NGX_ERROR;
	}
	run(stream);
	return NODE_GOES_ON;
}
