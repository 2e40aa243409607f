/*
 * node_metrics: what the runtimes of the answering worker count, as Prometheus reads it.
 */
#include "node.h"

#include <time.h>

enum { LINE = 160 /* bytes, beside the runtime's name */, LINES = 16 };

uint64_t node_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void node_counts_answer(node_counts_t *counts, uint64_t started, ngx_int_t code)
{
	uint64_t took = node_clock() - started;
	int bucket = took ? 63 - __builtin_clzll(took) : 0;

	counts->answers++;
	counts->errors += code != 0;
	counts->latency[bucket < NODE_BUCKETS ? bucket : NODE_BUCKETS - 1]++;
}

/* Between quotes. */
static ngx_str_t label_of(ngx_pool_t *pool, const node_runtime_t *runtime)
{
	static const char *modes[] = {"thread", "inline", "process"};
	ngx_str_t label = {0, ngx_pnalloc(pool, 2 * runtime->name.len + 2 * runtime->config.len + 32)};
	const ngx_str_t *parts[] = {&runtime->name, &runtime->config};
	u_char *at = label.data;

	for (int part = 0; at && part < 2; part++) {
		if (part == 1 && parts[part]->len) {
			*at++ = ',';
		}
		for (size_t i = 0; i < parts[part]->len; i++) {
			u_char c = parts[part]->data[i];

			if (c == '"' || c == '\\' || c == '\n') {
				*at++ = '\\';
			}
			*at++ = c == '\n' ? 'n' : c;
		}
	}
	if (at) {
		at = ngx_sprintf(at, "&%s", modes[runtime->mode]);
		label.len = (size_t)(at - label.data);
	}
	return label;
}

static u_char *put_runtime(u_char *at, const node_runtime_t *runtime, const ngx_str_t *label)
{
	const node_counts_t *counts = &runtime->counts;
	biffi_stats stats = {.size = sizeof(stats)};
	uint64_t count = 0;

	if (runtime->module) {
		biffi_stats_get(runtime->module, &stats);
	}
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {{"calls", counts->calls},
		     {"answers", counts->answers},
		     {"errors", counts->errors},
		     {"timeouts", counts->timeouts},
		     {"aborts", counts->aborts},
		     {"in_flight", counts->calls - counts->answers},
		     {"waiting", stats.waiting},
		     {"messages", stats.calls},
		     {"wakeups", stats.wakeups},
		     {"restarts", stats.restarts},
		     {"heap_used", stats.heap_used},
		     {"heap_total", stats.heap_total},
		     {"heap_external", stats.heap_external},
		     {"resident", stats.resident}};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		at = ngx_sprintf(at, "node_%s{worker=\"%ui\",runtime=\"%V\"} %uL\n", lines[i].name, ngx_worker, label,
				 lines[i].value);
	}
	for (int i = 0; i < NODE_BUCKETS; i++) {
		count += counts->latency[i];
		at = ngx_sprintf(at, "node_latency_us_bucket{worker=\"%ui\",runtime=\"%V\",le=\"%uL\"} %uL\n",
				 ngx_worker, label, (uint64_t)2 << i, count);
	}
	return ngx_sprintf(at, "node_latency_us_count{worker=\"%ui\",runtime=\"%V\"} %uL\n", ngx_worker, label, count);
}

ngx_int_t node_metrics_send(ngx_http_request_t *r, const ngx_array_t *runtimes)
{
	node_runtime_t **all = runtimes->elts;
	ngx_str_t *labels = ngx_palloc(r->pool, runtimes->nelts * sizeof(*labels) + 1);
	ngx_int_t rc = ngx_http_discard_request_body(r);
	size_t size = 0;
	ngx_chain_t out;
	ngx_buf_t *b;

	if (rc != NGX_OK) {
		return rc;
	}
	for (ngx_uint_t i = 0; labels && i < runtimes->nelts; i++) {
		labels[i] = label_of(r->pool, all[i]);
		size += (LINES + NODE_BUCKETS) * (LINE + labels[i].len);
	}
	b = labels ? ngx_create_temp_buf(r->pool, size + 1) : NULL;
	if (!b) {
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	for (ngx_uint_t i = 0; i < runtimes->nelts; i++) {
		b->last = put_runtime(b->last, all[i], &labels[i]);
	}
	b->last_buf = r == r->main;
	b->last_in_chain = 1;
	ngx_str_set(&r->headers_out.content_type, "text/plain; version=0.0.4");
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	r->headers_out.status = NGX_HTTP_OK;
	r->headers_out.content_length_n = b->last - b->pos;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
		return rc;
	}
	out = (ngx_chain_t){b, NULL};
	return ngx_http_output_filter(r, &out);
}
