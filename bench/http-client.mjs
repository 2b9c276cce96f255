// A client that is cheap, since it shares the processors with what it measures: a socket, prepared requests, answers
// that are parsed only as far as somebody looks at them.
import { connect } from 'node:net';
import { ResponseParser } from './http-parser.mjs';

/** One connection; one request at a time. */
export class Connection {
  #socket;
  #parser;
  #waiting;
  #began = 0;
  #host;

  /** @param options of the parser */
  constructor(url, { keepsBody = true } = {}) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#parser = new ResponseParser({
      keepsBody,
      onFirstByte: (head) => {
        head.firstByte = performance.now() - this.#began;
        this.firstByte = head.firstByte;
      },
    });
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (piece) => {
      try {
        for (const answer of this.#parser.feed(piece)) this.#settle().resolve(answer);
      } catch (error) {
        this.#socket.destroy(error);
      }
    });
    this.#socket.on('error', (error) => {
      this.#settle()?.reject(error);
    });
    this.#socket.on('close', () => {
      this.#settle()?.reject(new Error('The server closed the connection.'));
    });
  }

  /** Milliseconds from the last request to the first byte of its answer's body. */
  firstByte = 0;

  #settle() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  /** @returns the answer as `ResponseParser` gives it */
  request(method, path, token, body) {
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${authorization}`;
    const text =
      body === undefined
        ? `${head}\r\n`
        : `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return new Promise((resolve, reject) => {
      if (this.#waiting !== undefined) throw new Error('A connection has one request at a time.');
      this.#waiting = { resolve, reject };
      this.#began = performance.now();
      this.#socket.write(text);
    });
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }
}

/** Somebody with a connection of their own. */
export class Person {
  #connection;
  token;
  userId;

  constructor(url, { token, userId } = {}, options) {
    this.#connection = new Connection(url, options);
    this.token = token;
    this.userId = userId;
  }

  get firstByte() {
    return this.#connection.firstByte;
  }

  /** An answer of whatever status. @param path without the API's prefix, unless it begins with `/_` */
  ask(method, path, body) {
    const whole = path.startsWith('/_') ? path : `/_matrix/client/v3${path}`;
    return this.#connection.request(
      method,
      whole,
      this.token,
      body === undefined ? undefined : JSON.stringify(body),
    );
  }

  /** An answer with status 200. @throws for every other one */
  async get200(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return answer;
  }

  /** The JSON of an answer with status 200. */
  async call(method, path, body) {
    return JSON.parse((await this.get200(method, path, body)).body.toString());
  }

  close() {
    this.#connection.close();
  }
}

/** A new account on a connection of its own. */
export async function registered(url, username) {
  const person = new Person(url);
  const auth = { type: 'm.login.dummy' };
  const { access_token, user_id } = await person.call('POST', '/register', {
    username,
    password: 'bench',
    auth,
  });
  person.token = access_token;
  person.userId = user_id;
  return person;
}

/** Does something for each of the items, so many at a time. */
export async function eachOf(items, atOnce, action) {
  let next = 0;
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    while (next < items.length) {
      const nth = next++;
      await action(items[nth], nth);
    }
  });
  await Promise.all(workers);
}
