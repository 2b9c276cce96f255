import { describe, expect, test } from 'vitest';
import { profilesProjection } from '../../projections/profiles.js';
import { profiles } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

/** Names that mean something to JavaScript. They come as text, as from a client. */
const ODD = JSON.parse(
  '{"__proto__":{"admin":true},"constructor":"x","toString":null,"hasOwnProperty":1}',
) as Record<string, unknown>;

async function profilesAfter(story: (user: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice));
  return (await folded(profilesProjection, log.records)).of(profiles);
}

describe('a profile', () => {
  test('has the newest value of each field that was not removed', async () => {
    const found = await profilesAfter((user) => {
      user.setsProfile({ displayname: 'Alice', avatar_url: 'mxc://one/a' });
      user.setsProfile({ 'org.example.tz': { zone: 'UTC' }, avatar_url: null });
      user.setsProfile({ displayname: 'Al' });
    });
    const fields = { displayname: 'Al', 'org.example.tz': { zone: 'UTC' } };
    expect(found).toEqual([{ user_id: alice.id, fields, position: 2 }]);
  });

  test('may have fields of any name', async () => {
    const [found] = await profilesAfter((user) => user.setsProfile(ODD));
    expect(Object.entries(found?.fields ?? {})).toEqual([
      ['__proto__', { admin: true }],
      ['constructor', 'x'],
      ['hasOwnProperty', 1],
    ]);
    expect(found?.fields['admin']).toBeUndefined();
  });

  test('loses such a field too', async () => {
    const found = await profilesAfter((user) => {
      user.setsProfile(ODD);
      user.setsProfile(JSON.parse('{"__proto__":null}') as Record<string, unknown>);
    });
    expect(Object.keys(found[0]?.fields ?? {})).toEqual(['constructor', 'hasOwnProperty']);
  });

  test('stays when the account is closed, unless it is to be erased', async () => {
    const story = (erase: boolean) => (user: RecordedUser) => {
      user.setsProfile({ displayname: 'Alice' });
      user.deactivates(erase);
    };
    expect(await profilesAfter(story(false))).toHaveLength(1);
    expect(await profilesAfter(story(true))).toEqual([]);
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.setsProfile({ displayname: 'Alice', 10: 'ten', 9: 'nine' });
b.setsProfile(ODD);
a.setsProfile({ displayname: null });
b.setsProfile(JSON.parse('{"__proto__":[{"__proto__":null}],"constructor":null}') as Record<string, unknown>);
a.setsProfile({ displayname: 'A', 1: { z: 1, a: [] } });
log.append([{ type: 'profile.changed', version: 1, data: {}, stream: `user-${alice.id}` }]);
a.deactivates(true);
b.deactivates();
projectionContract(profilesProjection, log.records);
