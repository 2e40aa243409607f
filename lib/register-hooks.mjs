/*
 * What register.js hands to the loader's thread, on versions of Node.js whose hooks run there.
 */
import { pathToFileURL } from 'node:url';
import redirection from './redirect.js';

export function resolve(specifier, context, next) {
  const file = redirection.redirect(specifier);
  return file === undefined ? next(specifier, context) : next(pathToFileURL(file).href, context);
}
