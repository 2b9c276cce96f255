import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { HttpResponse, JsonStream, JsonText, type Answer } from './response.js';

/**
 * Sends JSON with the reply's status; Fastify's own serialiser has no part in it. It is sent as bytes: to text Fastify
 * adds `charset=utf-8`, a parameter that the type does not have (RFC 8259, section 11), and some compare the header
 * as it stands.
 */
export function sendJson(reply: FastifyReply, value: object): void {
  const text = value instanceof JsonText ? value.text : JSON.stringify(value);
  void reply.header('content-type', 'application/json').send(Buffer.from(text));
}

/** Sends what a handler returned. */
export function sendAnswer(reply: FastifyReply, answer: Answer): void {
  if (answer instanceof JsonStream) {
    const pieces = Readable.from(answer.pieces, { objectMode: false });
    void reply.header('content-type', 'application/json').send(pieces);
    return;
  }
  if (!(answer instanceof HttpResponse)) {
    sendJson(reply, answer);
    return;
  }
  reply.code(answer.status).headers(answer.headers);
  const { body } = answer;
  if (typeof body === 'string' || body instanceof Uint8Array) void reply.send(body);
  else sendJson(reply, body);
}
