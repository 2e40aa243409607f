'use strict';
// libc from its own headers: stat() a file, look up the addresses of a host name.

const { load, out } = require('biffi');

const libc = load(null, {
  header: ['sys/stat.h', 'netdb.h', 'netinet/in.h', 'arpa/inet.h', 'string.h'],
  files: 'all', // also what these headers include
  errno: true, // results are { value, errno }
});

function stat(path) {
  // The name stat is the function's, so the struct goes by its whole name.
  const result = new libc['struct stat']();
  const { value, errno } = libc.stat(path, result);
  if (value !== 0) throw new Error(`${path}: ${libc.strerror(errno).value}`);
  return result;
}

function lookup(host) {
  const list = out();
  const hints = { ai_family: libc.AF_INET, ai_socktype: 1 };
  const { value: failed } = libc.getaddrinfo(host, null, hints, list);
  if (failed !== 0) throw new Error(`${host}: ${libc.gai_strerror(failed).value}`);

  const addresses = [];
  for (let at = list.value; at !== null; at = at.value.ai_next) {
    const { sin_addr } = at.value.ai_addr.cast(libc.sockaddr_in).value;
    const text = Buffer.alloc(libc.INET_ADDRSTRLEN);
    libc.inet_ntop(libc.AF_INET, sin_addr, text, text.length);
    addresses.push(text.toString('latin1', 0, text.indexOf(0)));
  }
  libc.freeaddrinfo(list.value);
  return addresses;
}

const { st_size, st_mode, st_mtim } = stat(__filename);
console.log(
  `${st_size} bytes, mode ${(st_mode & 0o777).toString(8)}, changed in ${new Date(st_mtim.tv_sec * 1000).getFullYear()}`,
);
console.log('127.0.0.1 is', lookup('127.0.0.1').join(', '));
try {
  stat('/nowhere');
} catch (error) {
  console.log(error.message);
}
