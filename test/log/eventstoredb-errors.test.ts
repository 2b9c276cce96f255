import {
  AccessDeniedError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { expect, test } from 'vitest';
import {
  actualRevision,
  breaksConnection,
  GivenUpError,
  neverSent,
  NotBegunError,
  reasonOf,
  troubleOf,
} from '../../src/log/eventstoredb-errors.js';

type GrpcError = NonNullable<ConstructorParameters<typeof UnavailableError>[0]>;

/** An error of gRPC, as the driver passes it on or has it within its own. What is left out is not looked at. */
function grpc(code: number, details: string): GrpcError {
  const error: Error = Object.assign(new Error(`${code} NAME: ${details}`), { code, details });
  return error as GrpcError;
}

function wrongRevision(current: bigint | 'no_stream'): WrongExpectedVersionError {
  return new WrongExpectedVersionError(undefined, { streamName: 's', expected: 5n, current });
}

test('what the driver reports comes to what it means for a log', () => {
  for (const [error, trouble, breaks, unsent] of [
    [new StreamNotFoundError(undefined, 's'), 'missing', false, false],
    [new StreamDeletedError(undefined, 's'), 'tombstoned', false, false],
    [wrongRevision(3n), 'wrong revision', false, false],
    [new MaxAppendSizeExceededError(undefined, 1), 'too large', false, false],
    [new AccessDeniedError(), 'denied', false, false],
    [new UnknownError(grpc(2, 'Unexpected ReadAllResult: Error')), 'position', false, false],
    // Answers of the server to one append of many on a stream that goes on.
    [new DeadlineExceededError(), 'away', false, false],
    [new UnknownError(), 'away', false, false],
    [new UnknownError(undefined, 'Could not recognize Server Is Not Ready'), 'away', false, false],
    [new TimeoutError(grpc(10, 'Consumer too slow to handle event while live.')), 'away', false, false],
    // The stream is gone, and with it every answer that was still to come.
    [new UnavailableError(grpc(14, 'Connection dropped')), 'away', true, false],
    [new UnknownError(grpc(13, 'The server is shutting down')), 'away', true, false],
    [new UnknownError(grpc(8, 'Received message larger than max')), 'away', true, false],
    // As gRPC made it: before anything was sent.
    [grpc(14, 'No connection established'), 'away', true, true],
    [new Error('Failed to discover after 10 attempts.'), 'away', true, true],
    [new GivenUpError('late'), 'away', true, false],
    [new NotBegunError('full'), 'away', false, true],
    [new UnknownError(undefined, 'Could not recognize BadRequest'), 'fault', false, false],
    [grpc(7, 'no'), 'denied', false, true],
    [new TypeError('x is undefined'), 'fault', false, false],
    ['text', 'fault', false, false],
  ] as const) {
    expect([troubleOf(error), breaksConnection(error), neverSent(error)], String(error)).toStrictEqual([
      trouble,
      breaks,
      unsent,
    ]);
  }
});

test('a refused append says where the stream is', () => {
  expect(actualRevision(wrongRevision(3n))).toBe(3n);
  expect(actualRevision(wrongRevision('no_stream'))).toBeUndefined();
  expect(actualRevision(new Error('other'))).toBeUndefined();
});

test('a reason is told without what gRPC puts around it', () => {
  const refused =
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ';
  expect(reasonOf(new Error(`14 UNAVAILABLE: ${refused}`))).toBe('connect ECONNREFUSED 127.0.0.1:1');
  expect(reasonOf(new Error('there is no answer'))).toBe('there is no answer');
  expect(reasonOf(new DeadlineExceededError())).toBe('no reason is given');
});
