/**
 * Unpadded Base64 (specification: Appendices, Unpadded Base64), in the standard and the URL-safe alphabet.
 */

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

export function encodeBase64(bytes: Uint8Array): string {
  return unpad(asBuffer(bytes).toString('base64'));
}

export function encodeBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

/** The bytes of a standard Base64 text, padded or not; `undefined` if it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return STANDARD.test(text) ? decode(text) : undefined;
}

/** The bytes of a URL-safe Base64 text, padded or not; `undefined` if it is none. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return URL_SAFE.test(text) ? decode(text) : undefined;
}

/** A Base64 text without its padding. */
export function unpad(text: string): string {
  if (!text.endsWith('=')) return text;
  return text.slice(0, text.endsWith('==') ? -2 : -1);
}

/** Node decodes either alphabet, and ignores what it does not know; the callers have checked the text. */
function decode(text: string): Uint8Array | undefined {
  const length = unpad(text).length;
  // One character of a last group holds six bits, which make no byte; padding must fill the group.
  if (length % 4 === 1 || (text.length !== length && text.length % 4 !== 0)) return undefined;
  return Buffer.from(text, 'base64');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
