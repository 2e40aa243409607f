"""libbiffi from Python, through ctypes: a host that was not written in C.

Run as `python_host.py LIBRARY FOLDER`; prints one line for each thing that worked.
"""

import ctypes
import select
import sys

library, folder = sys.argv[1], sys.argv[2]
biffi = ctypes.CDLL(library)
libc = ctypes.CDLL(None)
libc.free.argtypes = [ctypes.c_void_p]

DONE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)


class Options(ctypes.Structure):
    """The first fields of biffi_options; `size` says how many there are."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("mode", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("threads", ctypes.c_int),
        ("timeout", ctypes.c_int),
        ("folder", ctypes.c_char_p),
        ("config", ctypes.c_char_p),
    ]


biffi.biffi_call.restype = ctypes.c_uint64
biffi.biffi_call.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, DONE, ctypes.c_void_p]
biffi.biffi_call_wait.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int,
    ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t),
]
for name in ("biffi_fd", "biffi_timeout", "biffi_dispatch", "biffi_close"):
    getattr(biffi, name).argtypes = [ctypes.c_void_p]


def take(address, length):
    """The bytes of an answer, whose memory was malloc'ed for us."""
    answer = ctypes.string_at(address, length) if address else None
    libc.free(address)
    return answer


def wait(module, method, request):
    address, length = ctypes.c_void_p(), ctypes.c_size_t()
    code = biffi.biffi_call_wait(
        module, method, request, len(request), 10000, ctypes.byref(address), ctypes.byref(length)
    )
    return code, take(address.value, length.value)


for mode, label in enumerate(("thread", "inline", "process")):
    options = Options(ctypes.sizeof(Options), mode, 0, 0, 0, folder.encode(), b"from Python")
    module, why = ctypes.c_void_p(), ctypes.create_string_buffer(512)
    status = biffi.biffi_open(ctypes.byref(module), b"handlers", ctypes.byref(options), why, 512)
    assert status == 0, why.value
    assert wait(module, b"shout", b"hello") == (0, b"HELLO!")
    assert wait(module, b"throws", b"x") == (7, b"too much")
    assert wait(module, b"bytes", b"") == (0, b"\x00\x01\x00\xff")
    assert b'"config":"from Python"' in wait(module, b"json", b"x")[1]

    answers, requests = [], []  # a request has to live until its answer

    @DONE
    def done(data, code, address, length):
        answers.append((data, code, take(address, length)))

    for number in range(1, 101):
        requests.append(b"number %d" % number)
        biffi.biffi_call(module, b"later", requests[-1], len(requests[-1]), done, number)
        biffi.biffi_dispatch(module)
    while len(answers) < 100:
        due = biffi.biffi_timeout(module)
        select.select([biffi.biffi_fd(module)], [], [], 10 if due < 0 else due / 1000)
        biffi.biffi_dispatch(module)
    assert sorted(answers) == [(n, 0, b"later number %d" % n) for n in range(1, 101)]
    biffi.biffi_close(module)
    print("ok", label)

biffi.biffi_shutdown()
