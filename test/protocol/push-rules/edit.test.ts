import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/protocol/json.js';
import { fullRuleset } from '../../../src/protocol/push-rules/defaults.js';
import {
  deleteRule,
  putRule,
  setRuleActions,
  setRuleEnabled,
  withSuccessor,
  type RulePlace,
} from '../../../src/protocol/push-rules/edit.js';
import { NO_USER_RULES, type RuleKind, type UserRules } from '../../../src/protocol/push-rules/rules.js';
import { ME } from './events.js';

const BODY: JsonObject = { actions: ['notify'], pattern: 'x' };

function refusal(code: string, status = expect.any(Number) as number): Error {
  return expect.objectContaining({ code, status }) as Error;
}

function withRules(ids: readonly string[], kind: RuleKind = 'content'): UserRules {
  return ids.toReversed().reduce((user, id) => putRule(user, kind, id, BODY), NO_USER_RULES);
}

function order(user: UserRules, kind: RuleKind = 'content'): string[] {
  return (user.rules[kind] ?? []).map((rule) => rule.rule_id);
}

describe('putting a rule', () => {
  test('adds it enabled, as the most important one', () => {
    const user = withRules(['a']);
    const after = putRule(user, 'content', 'b', { actions: ['notify'], pattern: 'cake*lie', extra: 1 });
    expect(after.rules.content?.[0]).toEqual({
      rule_id: 'b',
      default: false,
      enabled: true,
      actions: ['notify'],
      pattern: 'cake*lie',
    });
    expect(order(after)).toEqual(['b', 'a']);
    expect(order(user)).toEqual(['a']);
  });

  test.each<[string, RulePlace, string[]]>([
    ['new', { before: 'b' }, ['a', 'new', 'b', 'c']],
    ['new', { after: 'b' }, ['a', 'b', 'new', 'c']],
    ['new', { before: 'c', after: 'a' }, ['a', 'b', 'new', 'c']],
    ['new', { after: 'c' }, ['a', 'b', 'c', 'new']],
    ['b', {}, ['a', 'b', 'c']],
    ['c', { before: 'a' }, ['c', 'a', 'b']],
    ['a', { after: 'b' }, ['b', 'a', 'c']],
  ])('%s at %j', (id, place, expected) => {
    expect(order(putRule(withRules(['a', 'b', 'c']), 'content', id, BODY, place))).toEqual(expected);
  });

  test.each([{ before: 'nobody' }, { after: 'nobody' }, { before: '.m.rule.call' }, { after: 'b' }])(
    'at %j, which is no other rule of the user, is refused',
    (place) => {
      expect(() => putRule(withRules(['a', 'b']), 'content', 'b', BODY, place)).toThrow(
        refusal('M_UNKNOWN', 400),
      );
    },
  );

  test('again changes it, and leaves it disabled', () => {
    const disabled = setRuleEnabled(withRules(['a']), 'content', 'a', false);
    const changed = putRule(disabled, 'content', 'a', { actions: [], pattern: 'y' });
    expect(changed.rules.content).toEqual([
      { rule_id: 'a', default: false, enabled: false, actions: [], pattern: 'y' },
    ]);
  });

  test('keeps actions of old as they are', () => {
    const body = { actions: ['dont_notify', 'coalesce', { set_tweak: 'sound', value: 'x' }] };
    expect(putRule(NO_USER_RULES, 'room', '!r:a', body).rules.room?.[0]?.actions).toEqual(body.actions);
  });

  test('keeps conditions of later versions', () => {
    const conditions = [{ kind: 'org.example.later', with: { what: 'ever' } }];
    const user = putRule(NO_USER_RULES, 'underride', 'u', { actions: [], conditions });
    expect(user.rules.underride?.[0]?.conditions).toEqual(conditions);
  });

  test.each<[RuleKind, string, JsonObject, string]>([
    ['content', '.m.rule.mine', BODY, 'M_INVALID_PARAM'],
    ['override', '.m.rule.master', BODY, 'M_INVALID_PARAM'],
    ['content', 'a/b', BODY, 'M_INVALID_PARAM'],
    ['content', 'a\\b', BODY, 'M_INVALID_PARAM'],
    ['content', '', BODY, 'M_INVALID_PARAM'],
    ['content', 'é'.repeat(257), BODY, 'M_INVALID_PARAM'],
    ['content', 'a', { pattern: 'x' }, 'M_MISSING_PARAM'],
    ['content', 'a', { actions: [] }, 'M_MISSING_PARAM'],
    ['content', 'a', { actions: [], pattern: 5 }, 'M_BAD_JSON'],
    ['content', 'a', { actions: [], pattern: 'x'.repeat(1025) }, 'M_BAD_JSON'],
    ['room', '!r:a', { actions: 'notify' }, 'M_BAD_JSON'],
    ['room', '!r:a', { actions: ['explode'] }, 'M_BAD_JSON'],
    ['room', '!r:a', { actions: [{ tweak: 'x' }] }, 'M_BAD_JSON'],
    ['room', '!r:a', { actions: [null] }, 'M_BAD_JSON'],
    ['override', 'a', { actions: [], conditions: {} }, 'M_BAD_JSON'],
    ['override', 'a', { actions: [], conditions: [{}] }, 'M_BAD_JSON'],
    ['override', 'a', { actions: [], conditions: ['event_match'] }, 'M_BAD_JSON'],
    ['override', 'a', { actions: [], conditions: [{ kind: 'event_match', key: 1 }] }, 'M_BAD_JSON'],
    ['override', 'a', { actions: [], conditions: Array<JsonValue>(51).fill({ kind: 'x' }) }, 'M_BAD_JSON'],
  ])('of kind %s, ID %j, body %j is refused with %4$s', (kind, id, body, code) => {
    expect(() => putRule(NO_USER_RULES, kind, id, body)).toThrow(refusal(code));
  });

  test('ends where rules would take long to check', () => {
    let user = NO_USER_RULES;
    const search = { kind: 'event_match', key: 'content.body', pattern: 'x' };
    for (let n = 0; n < 4; n++) {
      user = putRule(user, 'override', `o${n}`, {
        actions: [],
        conditions: Array<JsonValue>(49).fill(search),
      });
    }
    for (let n = 0; n < 4; n++) user = putRule(user, 'content', `c${n}`, BODY);
    expect(() => putRule(user, 'content', 'one more', BODY)).toThrow(refusal('M_TOO_LARGE'));
    expect(() => putRule(user, 'content', 'c1', BODY)).not.toThrow();
    expect(() => putRule(user, 'room', '!r:a', BODY)).not.toThrow();
    const muted = { actions: [], conditions: [{ kind: 'event_match', key: 'room_id', pattern: '!r:a' }] };
    expect(() => putRule(user, 'override', '!r:a', muted)).not.toThrow();
  });
});

describe('deleting a rule', () => {
  test('takes it out', () => {
    expect(order(deleteRule(withRules(['a', 'b', 'c']), 'content', 'b'))).toEqual(['a', 'c']);
  });

  test('is refused for one that is not there or predefined', () => {
    expect(() => deleteRule(withRules(['a']), 'content', 'b')).toThrow(refusal('M_NOT_FOUND', 404));
    expect(() => deleteRule(withRules(['a']), 'room', 'a')).toThrow(refusal('M_NOT_FOUND', 404));
    expect(() => deleteRule(NO_USER_RULES, 'override', '.m.rule.master')).toThrow(
      refusal('M_INVALID_PARAM', 400),
    );
  });
});

describe('enabling, disabling and new actions', () => {
  test('change a rule of the user in its place', () => {
    const user = setRuleActions(
      setRuleEnabled(withRules(['a', 'b']), 'content', 'b', false),
      'content',
      'b',
      [],
    );
    expect(user.rules.content).toMatchObject([
      { rule_id: 'a', enabled: true, actions: ['notify'] },
      { rule_id: 'b', enabled: false, actions: [], pattern: 'x' },
    ]);
  });

  test('are kept of predefined rules as what differs', () => {
    let user = setRuleEnabled(NO_USER_RULES, 'underride', '.m.rule.call', false);
    user = setRuleActions(user, 'underride', '.m.rule.call', ['notify']);
    user = setRuleEnabled(user, 'underride', '.m.rule.call', true);
    expect(user.changed).toEqual([
      { kind: 'underride', rule_id: '.m.rule.call', enabled: true, actions: ['notify'] },
    ]);
    expect(fullRuleset(user, ME).underride[0]).toMatchObject({ enabled: true, actions: ['notify'] });
  });

  test.each<[JsonValue | undefined, string]>([
    [undefined, 'M_MISSING_PARAM'],
    ['true', 'M_BAD_JSON'],
    [1, 'M_BAD_JSON'],
    [null, 'M_BAD_JSON'],
  ])('are refused for %j with %s', (value, code) => {
    expect(() => setRuleEnabled(withRules(['a']), 'content', 'a', value)).toThrow(refusal(code));
    expect(() => setRuleActions(withRules(['a']), 'content', 'a', value)).toThrow(refusal(code));
  });

  test('are refused for rules that are not there', () => {
    expect(() => setRuleEnabled(NO_USER_RULES, 'content', 'a', true)).toThrow(refusal('M_NOT_FOUND', 404));
    expect(() => setRuleActions(NO_USER_RULES, 'room', '.m.rule.call', [])).toThrow(
      refusal('M_NOT_FOUND', 404),
    );
  });
});

test('whatever is done, IDs stay unique and the rules survive being stored', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const place: fc.Arbitrary<RulePlace> = fc.record({ before: fc.option(id, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('put', 'delete', 'disable'), id, place)), (steps) => {
      let user = NO_USER_RULES;
      for (const [step, ruleId, where] of steps) {
        const known = order(user).includes(ruleId);
        const at = where.before;
        const isRefused =
          step === 'put' ? at !== undefined && (at === ruleId || !order(user).includes(at)) : !known;
        const act = () => {
          if (step === 'put') return putRule(user, 'content', ruleId, BODY, where);
          return step === 'delete'
            ? deleteRule(user, 'content', ruleId)
            : setRuleEnabled(user, 'content', ruleId, false);
        };
        if (isRefused) expect(act).toThrow(refusal(step === 'put' ? 'M_UNKNOWN' : 'M_NOT_FOUND'));
        else user = act();
      }
      expect(new Set(order(user)).size).toBe(order(user).length);
      expect(JSON.parse(JSON.stringify(user))).toEqual(user);
    }),
  );
});

describe('a room that is replaced', () => {
  const FROM = '!from:one';
  const TO = '!to:one';
  const condition = (roomId: string) => ({ kind: 'event_match', key: 'room_id', pattern: roomId });

  test('hands its rules on, those that mute it too, next to its own', () => {
    let rules = putRule(NO_USER_RULES, 'room', '!other:one', { actions: ['notify'] });
    rules = putRule(rules, 'room', FROM, { actions: [] });
    rules = putRule(rules, 'override', FROM, { actions: [], conditions: [condition(FROM)] });
    rules = setRuleEnabled(rules, 'room', FROM, false);
    const next = withSuccessor(rules, FROM, TO);
    expect(next.rules.room?.map(({ rule_id, enabled }) => [rule_id, enabled])).toEqual([
      [FROM, false],
      [TO, false],
      ['!other:one', true],
    ]);
    expect(next.rules.override?.map(({ rule_id, conditions }) => [rule_id, conditions])).toEqual([
      [FROM, [condition(FROM)]],
      [TO, [condition(TO)]],
    ]);
  });

  test('leaves the very same rules where there is nothing to hand on', () => {
    const rules = putRule(NO_USER_RULES, 'room', TO, { actions: [] });
    expect(withSuccessor(rules, FROM, TO)).toBe(rules);
    const both = putRule(rules, 'room', FROM, { actions: ['notify'] });
    expect(withSuccessor(both, FROM, TO)).toBe(both);
  });
});
