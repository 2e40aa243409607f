#include "embed.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <mutex>
#include <node.h>
#include <string>
#include <vector>

namespace
{

std::mutex process_mutex; // guards the two below; the platform lives as long as the process
bool process_failed = false;
node::MultiIsolatePlatform *platform = nullptr;

int complain(char *message, size_t size, const std::string &text)
{
	snprintf(message, size, "%s", text.c_str());
	return -1;
}

// Addons find Node-API in the process's global names; a library that was opened
// without RTLD_GLOBAL has to be promoted.
void promote_libnode()
{
	Dl_info info;

	if (dladdr(reinterpret_cast<void *>(&napi_create_function), &info) && info.dli_fname) {
		dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
	}
}

struct saved_signals {
	struct sigaction actions[NSIG];

	saved_signals()
	{
		for (int i = 1; i < NSIG; i++) {
			sigaction(i, nullptr, &actions[i]);
		}
	}

	~saved_signals()
	{
		for (int i = 1; i < NSIG; i++) {
			if (i != SIGKILL && i != SIGSTOP) {
				sigaction(i, &actions[i], nullptr);
			}
		}
	}
};

int start_process(char *message, size_t size)
{
	std::lock_guard<std::mutex> lock(process_mutex);

	if (platform) {
		return 0;
	}
	if (process_failed) {
		return complain(message, size, "Node.js could not be started in this process before");
	}
	promote_libnode();
	saved_signals saved;
	using F = node::ProcessInitializationFlags::Flags;
	std::vector<std::string> args{"node"};
	auto result = node::InitializeOncePerProcess(
	    args, {F::kNoDefaultSignalHandling, F::kNoStdioInitialization, F::kNoInitializeV8,
		   F::kNoInitializeNodeV8Platform, F::kNoPrintHelpOrVersionOutput, F::kNoAdjustResourceLimits});
	if (result->early_return() || !result->errors().empty()) {
		process_failed = true;
		return complain(message, size,
				result->errors().empty() ? "Node.js returned from its start" : result->errors()[0]);
	}
	platform = node::MultiIsolatePlatform::Create(2).release();
	v8::V8::InitializePlatform(platform);
	v8::V8::Initialize();
	return 0;
}

// In the snapshot Node.js's own scripts have run already, more than half of a start. Not every distribution's libnode
// has one.
std::unique_ptr<node::CommonEnvironmentSetup> create_environment(std::vector<std::string> *errors)
{
	const std::vector<std::string> args{"node"}, exec_args;

#if NODE_MAJOR_VERSION >= 20
	static const auto snapshot = node::EmbedderSnapshotData::BuiltinSnapshotData(); // isolates go on reading it
	const void *data = nullptr;

	// Where there is none, what comes back holds a null, Node.js aborts on that, and nothing public tells.
	static_assert(sizeof(*snapshot) >= sizeof(data), "its first member is a pointer to the snapshot");
	if (snapshot) {
		memcpy(&data, static_cast<const void *>(snapshot.get()), sizeof(data));
	}
	if (data) {
		return node::CommonEnvironmentSetup::CreateFromSnapshot(platform, errors, snapshot.get(), args,
									exec_args, node::EnvironmentFlags::kNoFlags);
	}
#endif
	return node::CommonEnvironmentSetup::Create(platform, errors, args, exec_args,
						    node::EnvironmentFlags::kNoFlags);
}

} // namespace

struct bf_embed {
	bf_embed_options options;
	std::unique_ptr<node::CommonEnvironmentSetup> setup;
	napi_module module; // Node.js keeps its address
	std::atomic<bool> stopped{false};
	std::atomic<bool> interrupted{false}; // an interrupt was asked for and has not happened
	size_t heap_limit = 0;
	std::unique_ptr<v8::Locker> held; // see bf_embed_hold
};

// Everything that touches an environment's JavaScript happens under these.
#define BF_ENTER(embed)                                                                                                \
	v8::Isolate *isolate = (embed)->setup->isolate();                                                              \
	v8::Locker locker(isolate);                                                                                    \
	v8::Isolate::Scope isolate_scope(isolate);                                                                     \
	v8::HandleScope handle_scope(isolate);                                                                         \
	v8::Context::Scope context_scope((embed)->setup->context())

// Where the JavaScript that runs looks for interrupts; it may be later than who asked for it wants.
static void interrupt(v8::Isolate *isolate, void *data)
{
	auto embed = static_cast<bf_embed *>(data);

	if (!embed->interrupted.exchange(false)) {
		return;
	}
	if (embed->options.interrupting) {
		embed->options.interrupting(embed->options.data);
	}
	isolate->TerminateExecution();
}

static void request_interrupt(bf_embed *embed)
{
	if (!embed->interrupted.exchange(true)) {
		embed->setup->isolate()->RequestInterrupt(interrupt, embed);
	}
}

// The heap is nearly full: V8 would end the process. Room is made for the
// JavaScript that runs to end instead, and the limit goes back once it is free. A loop that V8 13 has
// optimized may never look for interrupts; no further room then, or it would take all of the machine's.
static size_t near_heap_limit(void *data, size_t current, size_t initial)
{
	auto embed = static_cast<bf_embed *>(data);
	const size_t step = 64 << 20, most = initial + std::max<size_t>(initial, 8 * step);

	request_interrupt(embed);
	if (embed->options.exhausted) {
		embed->options.exhausted(embed->options.data);
	}
	embed->heap_limit = initial;
	return current < most ? current + step : current;
}

extern "C" int bf_embed_start(bf_embed **out, const bf_embed_options *options, char *message, size_t size)
{
	if (start_process(message, size) != 0) {
		return -1;
	}
	auto embed = std::make_unique<bf_embed>();
	std::vector<std::string> errors;
	embed->options = *options;
	embed->setup = create_environment(&errors);
	if (!embed->setup) {
		return complain(message, size, errors.empty() ? "no environment could be made" : errors[0]);
	}
	bool failed = false;
	{
		BF_ENTER(embed);
		isolate->AddNearHeapLimitCallback(near_heap_limit, embed.get());
		node::Environment *env = embed->setup->env();
		// process.exit() is replaced by the boot script; this catches what calls past it.
		node::SetProcessExitHandler(env, [](node::Environment *, int) {});
		embed->module = {NAPI_MODULE_VERSION, 0, "biffi", options->init, options->binding, nullptr, {0}};
		node::AddLinkedBinding(env, embed->module);
		v8::TryCatch caught(isolate);
		if (node::LoadEnvironment(env, options->source).IsEmpty()) {
			v8::String::Utf8Value text(isolate, caught.Exception());
			complain(message, size, *text ? *text : "the boot script failed");
			failed = true;
		}
	}
	if (failed) {
		bf_embed_free(embed.release());
		return -1;
	}
	*out = embed.release();
	return 0;
}

extern "C" void bf_embed_spin(bf_embed *embed)
{
	BF_ENTER(embed);
	(void)node::SpinEventLoop(embed->setup->env());
}

extern "C" void bf_embed_hold(bf_embed *embed)
{
	v8::Isolate *isolate = embed->setup->isolate();

	embed->held = std::make_unique<v8::Locker>(isolate);
	isolate->Enter();
	v8::HandleScope handle_scope(isolate);
	embed->setup->context()->Enter();
}

static void let_go(bf_embed *embed)
{
	v8::Isolate *isolate = embed->setup->isolate();

	{
		v8::HandleScope handle_scope(isolate);
		embed->setup->context()->Exit();
	}
	isolate->Exit();
	embed->held.reset();
}

extern "C" void bf_embed_turn(bf_embed *embed)
{
	v8::HandleScope handle_scope(embed->setup->isolate());
	v8::SealHandleScope seal(embed->setup->isolate());
	uv_run(embed->setup->event_loop(), UV_RUN_NOWAIT);
	platform->DrainTasks(embed->setup->isolate());
}

extern "C" uv_loop_t *bf_embed_loop(const bf_embed *embed)
{
	return embed->setup->event_loop();
}

extern "C" int bf_embed_descriptor(const bf_embed *embed)
{
	return uv_backend_fd(embed->setup->event_loop());
}

extern "C" int bf_embed_timeout(const bf_embed *embed)
{
	uv_loop_t *loop = embed->setup->event_loop();

	uv_update_time(loop); // the loop's clock stands still while nobody turns it
	return uv_loop_alive(loop) ? uv_backend_timeout(loop) : -1;
}

extern "C" void bf_embed_stop(bf_embed *embed)
{
	embed->stopped = true;
	node::Stop(embed->setup->env());
}

extern "C" void bf_embed_interrupt(bf_embed *embed)
{
	request_interrupt(embed);
}

extern "C" void bf_embed_resume(bf_embed *embed)
{
	v8::Isolate *isolate = embed->setup->isolate();

	embed->interrupted = false;
	isolate->CancelTerminateExecution();
	if (embed->heap_limit) {
		isolate->LowMemoryNotification();
		isolate->RemoveNearHeapLimitCallback(near_heap_limit, embed->heap_limit);
		isolate->AddNearHeapLimitCallback(near_heap_limit, embed);
		embed->heap_limit = 0;
	}
}

extern "C" void bf_embed_heap(bf_embed *embed, size_t *used, size_t *total, size_t *external)
{
	v8::HeapStatistics statistics;

	embed->setup->isolate()->GetHeapStatistics(&statistics);
	*used = statistics.used_heap_size();
	*total = statistics.total_heap_size();
	*external = statistics.external_memory();
}

extern "C" void bf_embed_free(bf_embed *embed)
{
	if (!embed->stopped) {
		bf_embed_stop(embed);
	}
	if (embed->held) {
		let_go(embed);
	}
	embed->setup.reset();
	delete embed;
}
