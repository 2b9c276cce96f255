// What it costs that content can be forgotten, and what forgetting costs: `node bench/forgetting.mjs`, after
// `npm run build`. Keys are derived for each record that is written or read; they are destroyed by rewriting their file.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealKeys } from '../dist/src/log/seal-keys.js';
import { openLmdbReadStore } from '../dist/src/read-models/lmdb.js';
import { systemRandom } from '../dist/src/runtime/random.js';

const folder = mkdtempSync(join(tmpdir(), 'engram-bench-'));
const DERIVATIONS = 200_000;
const ROOMS = 100;

const timed = (action) => {
  const began = performance.now();
  action();
  return performance.now() - began;
};
const line = (what, value) => console.log(`${what.padEnd(64)}${value}`);
const micro = (ms, count) => `${((ms / count) * 1000).toFixed(1)} us`;
const kilo = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

/** Keys of the next records of rooms that take turns, and of rooms that are met first. */
function derive(keys, when) {
  const next = timed(() => {
    for (let i = 0; i < DERIVATIONS; i++)
      keys.key({ stream: `room-!${i % ROOMS}`, revision: 1e6 + Math.floor(i / ROOMS) });
  });
  line(`a key, the next of one of ${ROOMS} rooms, ${when}`, micro(next, DERIVATIONS));
  const first = timed(() => {
    for (let i = 0; i < 5000; i++) keys.key({ stream: `room-!met-${when}-${i}`, revision: 0 });
  });
  line(`a key, of a room met first, ${when}`, micro(first, 5000));
}

console.log(`Node ${process.version}, ${cpus()[0]?.model}\n`);
const file = join(folder, 'keys', 'seal.key');
const keys = SealKeys.open(file, systemRandom);
derive(keys, 'nothing forgotten');
const places = Array.from({ length: 10_000 }, (_, i) => {
  const revision = (i * 7919) % 1_000_000;
  return { stream: `room-!${i % ROOMS}`, from: revision, to: revision };
});
const single = timed(() => {
  for (const place of places.slice(0, 20)) keys.puncture([place]);
});
line('forgetting one event: keys destroyed, on disk', `${(single / 20).toFixed(1)} ms`);
line('forgetting the other 9,980 of 10,000 at once', `${timed(() => keys.puncture(places)).toFixed(0)} ms`);
line(`the key file then, events here and there in ${ROOMS} rooms`, kilo(statSync(file).size));
line(
  'forgetting one more event then',
  `${timed(() => keys.puncture([{ stream: 'room-!5', from: 3, to: 3 }])).toFixed(1)} ms`,
);
derive(keys, '10,000 forgotten');
const before = statSync(file).size;
keys.puncture([{ stream: 'user-@alice:example.org', from: 0, to: 1_234_567 }]);
line('what the account of 1,234,567 records adds to the file', kilo(statSync(file).size - before));
line('reading the key file at start', `${timed(() => SealKeys.open(file, systemRandom)).toFixed(0)} ms`);

const store = openLmdbReadStore(join(folder, 'read-models'));
const notes = {
  name: 'notes',
  projection: 'bench',
  key: ({ id }) => [id],
  indexes: { turned: ({ id }) => [-id] },
  fields: { key: ['id'], indexes: {} },
};
let position = -1;
const write = (documents) => {
  const owner = { projection: 'bench', version: 1 };
  const expected = position++;
  return store.write(
    documents.map((document) => ({ ...owner, collection: notes, key: [document.id], document })),
    [{ next: { ...owner, position, epoch: 'e' }, expected }],
  );
};
for (let at = 0; at < 100_000; at += 500) {
  await write(Array.from({ length: 500 }, (_, i) => ({ id: at + ((i * 37) % 500), text: 'x'.repeat(700) })));
}
for (let i = 0; i < 200; i++) await write([{ id: i * 499, text: 'gone' }]);
const { size } = statSync(join(folder, 'read-models', 'data.mdb'));
const scrub = async (what) => {
  const began = performance.now();
  const done = await store.scrubbing.scrub(position, new AbortController().signal);
  line(
    `scrubbing read models of ${(size / 1e6).toFixed(0)} MB, ${what}`,
    done ? `${((performance.now() - began) / 1000).toFixed(1)} s` : 'not done',
  );
};
await scrub('for the first time');
for (let i = 0; i < 200; i++) await write([{ id: i * 499 + 1, text: 'gone' }]);
await scrub('again, after 200 documents changed');
await store.close();
rmSync(folder, { recursive: true });
