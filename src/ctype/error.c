#include "error.h"

#include <stdio.h>

int bf_error_setv(bf_error *err, int code, const char *format, va_list args)
{
	if (err) {
		err->code = code;
		err->line = err->column = 0;
		vsnprintf(err->message, sizeof err->message, format, args);
	}
	return code;
}

int(bf_error_set)(bf_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	bf_error_setv(err, code, format, args);
	va_end(args);
	return code;
}

const char *bf_error_name(int code)
{
	switch (code) {
	case BF_OK:
		return "BF_OK";
	case BF_ENOMEM:
		return "BF_ENOMEM";
	case BF_ESYNTAX:
		return "BF_ESYNTAX";
	case BF_ETYPE:
		return "BF_ETYPE";
	case BF_ERANGE:
		return "BF_ERANGE";
	case BF_ELIBRARY:
		return "BF_ELIBRARY";
	case BF_ESYMBOL:
		return "BF_ESYMBOL";
	case BF_ECLOSED:
		return "BF_ECLOSED";
	case BF_EUNSUPPORTED:
		return "BF_EUNSUPPORTED";
	case BF_EARGUMENTS:
		return "BF_EARGUMENTS";
	case BF_ESYSTEM:
		return "BF_ESYSTEM";
	default:
		return "BF_EUNKNOWN";
	}
}
