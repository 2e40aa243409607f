export const GET = ({ args }) => `got ${args}`;
export const POST = (request) => `posted ${request.body.length}`;
