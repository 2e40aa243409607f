/* Node.js reads the names of index.js's exports from its text: each is an identifier there. */
export * from './index.js';
export { default } from './index.js';
