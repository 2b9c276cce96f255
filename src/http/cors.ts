/** Headers of every response (specification: Client-Server API, Web Browser Clients). */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
  // A browser hides every other header from the page; clients need this one to wait as long as they are asked to.
  'access-control-expose-headers': 'Retry-After',
  // How long a browser may remember the answer to a pre-flight request; browsers cut it to their own limit.
  'access-control-max-age': '86400',
} as const;
