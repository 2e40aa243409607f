#include "node.h"

#include <ngx_event.h>

/*
 * nginx reads a request, runs its handler and writes the response before it looks at the
 * next connection that is readable. Where JavaScript runs on nginx's thread, this makes all
 * requests of a turn wait for its end: JavaScript first, then the responses. Each of the three
 * finds its code in the processor's caches that way, and clients are woken together: 12 to 25 %
 * more requests/s at 64 connections.
 */

enum { MOST = 500 /* microseconds of JavaScript, after which answers go before further calls are made */ };

static ngx_queue_t due, answered; /* of node_call_t */
static ngx_event_t event;
static void (*make_call)(node_call_t *call), (*resume_call)(node_call_t *call);

static node_call_t *take(ngx_queue_t *queue)
{
	node_call_t *call = ngx_queue_data(ngx_queue_head(queue), node_call_t, link);

	node_turn_remove(call);
	return call;
}

static void on_end(ngx_event_t *ended)
{
	uint64_t began;

	(void)ended;
	while (!ngx_queue_empty(&due)) {
		began = node_clock();
		do {
			make_call(take(&due));
		} while (!ngx_queue_empty(&due) && node_clock() - began < MOST);
		while (!ngx_queue_empty(&answered)) {
			resume_call(take(&answered));
		}
	}
}

void node_turn_add(node_call_t *call, void (*make)(node_call_t *call), void (*resume)(node_call_t *call))
{
	if (!event.handler) {
		event.handler = on_end;
		ngx_queue_init(&due);
		ngx_queue_init(&answered);
	}
	event.log = ngx_cycle->log;
	make_call = make;
	resume_call = resume;
	call->due = 1;
	ngx_queue_insert_tail(&due, &call->link);
	ngx_post_event(&event, &ngx_posted_events);
}

void node_turn_answered(node_call_t *call)
{
	call->due = 1;
	ngx_queue_insert_tail(&answered, &call->link);
}

void node_turn_remove(node_call_t *call)
{
	call->due = 0;
	ngx_queue_remove(&call->link);
}
