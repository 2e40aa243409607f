#include "bytes.h"
#include "engine.h"

#include <cstdlib>
#include <cstring>
#include <node.h>

static_assert(sizeof(v8::Local<v8::Value>) == sizeof(napi_value), "Node-API's values are V8's");

namespace
{

v8::Local<v8::Value> local(napi_value value)
{
	v8::Local<v8::Value> result;

	memcpy(static_cast<void *>(&result), &value, sizeof(value));
	return result;
}

napi_value value_of(v8::Local<v8::Value> local)
{
	return reinterpret_cast<napi_value>(*local);
}

bool scoped(napi_env, void (*run)(void *data), void *data)
{
	v8::HandleScope scope(v8::Isolate::GetCurrent());

	run(data);
	return true;
}

void *keep(napi_env, napi_value function)
{
	// Its slot is one that a Local may point to; nothing is freed before the environment.
	v8::Persistent<v8::Value> persistent(v8::Isolate::GetCurrent(), local(function));
	void *slot;

	static_assert(sizeof(persistent) == sizeof(slot), "a Persistent is the address of its slot");
	memcpy(&slot, static_cast<void *>(&persistent), sizeof(slot));
	return slot;
}

bool call(napi_env, void *kept, size_t argc, const napi_value *argv, napi_value *result)
{
	v8::Isolate *isolate = v8::Isolate::GetCurrent();
	v8::TryCatch caught(isolate);
	v8::Local<v8::Function> function = local(static_cast<napi_value>(kept)).As<v8::Function>();
	v8::Local<v8::Value> returned, values[4];

	for (size_t i = 0; i < argc; i++) {
		values[i] = local(argv[i]);
	}
	if (!function->Call(isolate->GetCurrentContext(), function, static_cast<int>(argc), values)
		 .ToLocal(&returned)) {
		return false;
	}
	*result = value_of(returned);
	return true;
}

napi_value latin1(napi_env, const char *bytes, size_t length)
{
	v8::Local<v8::String> string;

	return length <= v8::String::kMaxLength &&
		       v8::String::NewFromOneByte(v8::Isolate::GetCurrent(), reinterpret_cast<const uint8_t *>(bytes),
						  v8::NewStringType::kNormal, static_cast<int>(length))
			   .ToLocal(&string)
		   ? value_of(string)
		   : nullptr;
}

void write(v8::Local<v8::String> string, char *bytes, size_t length)
{
	v8::Isolate *isolate = v8::Isolate::GetCurrent();
	auto to = reinterpret_cast<uint8_t *>(bytes);

#if V8_MAJOR_VERSION > 13 || (V8_MAJOR_VERSION == 13 && V8_MINOR_VERSION >= 3)
	string->WriteOneByteV2(isolate, 0, static_cast<uint32_t>(length), to);
#else
	string->WriteOneByte(isolate, to, 0, static_cast<int>(length), v8::String::NO_NULL_TERMINATION);
#endif
}

bf_taken take(napi_env env, napi_value value, size_t front, char **bytes, size_t *length)
{
	v8::Local<v8::Value> taken = local(value);

	if (taken->IsUndefined()) {
		return BF_NONE;
	}
	if (taken->IsString() && taken.As<v8::String>()->IsOneByte()) {
		auto string = taken.As<v8::String>();

		*length = static_cast<size_t>(string->Length());
		*bytes = static_cast<char *>(malloc(front + *length + 1));
		if (!*bytes) {
			return BF_UNTAKEN;
		}
		write(string, *bytes + front, *length);
		if (bf_bytes_ascii(*bytes + front, *length)) {
			(*bytes)[front + *length] = '\0';
			return BF_TAKEN;
		}
		free(*bytes);
	} else if (taken->IsArrayBufferView()) {
		auto view = taken.As<v8::ArrayBufferView>();

		*length = view->ByteLength();
		*bytes = static_cast<char *>(malloc(front + *length + 1));
		if (!*bytes) {
			return BF_UNTAKEN;
		}
		*length = view->CopyContents(*bytes + front, *length);
		(*bytes)[front + *length] = '\0';
		return BF_TAKEN;
	}
	return bf_bytes_behind(env, value, front, bytes, length) ? BF_TAKEN : BF_UNTAKEN;
}

} // namespace

extern "C" const bf_engine bf_engine_v8 = {scoped, keep, call, latin1, take};
