import { sep } from 'node:path';
export default (request) => `esm ${request}`;
export const separator = () => sep;
