/**
 * GET, POST /_matrix/client/v3/auth/{authType}/fallback/web
 *
 * Specification: Client-Server API, User-Interactive Authentication API, Fallback.
 */
import { createHash } from 'node:crypto';
import { MatrixError } from '../../protocol/errors.js';
import { HttpResponse } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import type { UserInteractive } from '../user-interactive.js';
import type { GetAuthFallback, PostAuthFallback } from './types.js';

/** What a page asks for; the names are those of the stage's fields. */
const FIELDS: ReadonlyMap<string, readonly { name: string; label: string; type: string }[]> = new Map([
  ['m.login.dummy', []],
  ['m.login.registration_token', [{ name: 'token', label: 'Registration token', type: 'text' }]],
  [
    'm.login.password',
    [
      { name: 'user', label: 'Username', type: 'text' },
      { name: 'password', label: 'Password', type: 'password' },
    ],
  ],
]);

/** Takes nothing from the server: session and stage stand in the page's own address, so nothing can be injected. */
const SCRIPT = `
const form = document.querySelector('form');
const note = document.querySelector('output');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = Object.fromEntries(new FormData(form));
  body.session = new URLSearchParams(location.search).get('session');
  let answer = {};
  try {
    const response = await fetch(location.pathname, { method: 'POST', body: JSON.stringify(body) });
    answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
  } catch (error) {
    note.textContent = error.message || 'That did not work.';
    return;
  }
  note.textContent = 'Done. You can close this page.';
  form.hidden = true;
  if (window.onAuthDone) {
    window.onAuthDone();
  } else if (window.opener && window.opener.postMessage) {
    window.opener.postMessage("authDone", "*");
  }
});
`;

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; connect-src 'self'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function userInteractiveRoutes(uia: UserInteractive): Route[] {
  const paths = v3('/auth/{authType}/fallback/web');
  return [
    defineRoute<GetAuthFallback, 'none'>({
      module: 'user_interactive',
      name: 'getAuthFallback',
      method: 'GET',
      paths,
      auth: 'none',
      handler: ({ params }) => {
        const fields = FIELDS.get(params.authType);
        if (fields === undefined) throw unknownStage();
        return new HttpResponse({ headers: HEADERS, body: page(fields) });
      },
    }),
    defineRoute<PostAuthFallback, 'none'>({
      module: 'user_interactive',
      name: 'postAuthFallback',
      method: 'POST',
      paths,
      auth: 'none',
      handler: async ({ params, body, address }) => {
        if (!FIELDS.has(params.authType)) throw unknownStage();
        const auth = { ...body, type: params.authType };
        const result = await uia.completeStage(body.session, auth, address);
        if (!result.ok) throw new MatrixError(result.errcode, result.error, { status: 401 });
        return {};
      },
    }),
  ];
}

function page(fields: readonly { name: string; label: string; type: string }[]): string {
  const inputs = fields.map(
    ({ name, label, type }) =>
      `<p><label>${label}: <input name="${name}" type="${type}" required></label></p>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Authentication</title>
<h1>Authentication</h1>
<form>${inputs.join('')}<p><button>Continue</button></p></form>
<p><output></output></p>
<script>${SCRIPT}</script>
</html>
`;
}

function unknownStage(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'There is no page for this stage.');
}
