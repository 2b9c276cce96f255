/**
 * GET /_matrix/client/v3/pushrules/
 * GET /_matrix/client/v3/pushrules/global/
 * GET /_matrix/client/v3/pushrules/global/{kind}/
 * GET, PUT, DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}
 * GET, PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled
 * GET, PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions
 *
 * Specification: Client-Server API, Push Rules: API.
 */
import { changePushRules, type PushRuleChange } from '../../commands/push-rules.js';
import { MatrixError } from '../../protocol/errors.js';
import type { JsonObject } from '../../protocol/json.js';
import type { PushRule, RuleKind } from '../../protocol/push-rules/rules.js';
import { pushRulesOf } from '../../queries/account-data.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type {
  DeletePushRule,
  GetPushRule,
  GetPushRuleActions,
  GetPushRules,
  GetPushRulesGlobal,
  GetPushRulesOfKind,
  IsPushRuleEnabled,
  SetPushRule,
  SetPushRuleActions,
  SetPushRuleEnabled,
} from './types.js';

/** What names a rule in a path. */
interface RuleParams {
  readonly kind: RuleKind;
  readonly ruleId: string;
}

export function pushRulesRoutes(api: ClientApi): Route[] {
  return [...readingRoutes(api), ...changingRoutes(api), ...refusals()];
}

const ONE = v3('/pushrules/global/{kind}/{ruleId}');
const ENABLED = v3('/pushrules/global/{kind}/{ruleId}/enabled');
const ACTIONS = v3('/pushrules/global/{kind}/{ruleId}/actions');

function readingRoutes(api: ClientApi): Route[] {
  const rule = async (userId: string, { kind, ruleId }: RuleParams): Promise<PushRule> => {
    const rules = await pushRulesOf(await upToDate(api), userId);
    const found = rules[kind].find((each) => each.rule_id === ruleId);
    if (found === undefined) throw new MatrixError('M_NOT_FOUND', 'You have no such push rule.');
    return found;
  };
  return [
    defineRoute<GetPushRules>({
      module: 'push_rules',
      name: 'getPushRules',
      method: 'GET',
      paths: v3('/pushrules/'),
      auth: 'required',
      handler: async ({ user }) => ({ global: await pushRulesOf(await upToDate(api), user.userId) }),
    }),
    defineRoute<GetPushRulesGlobal>({
      module: 'push_rules',
      name: 'getPushRulesGlobal',
      method: 'GET',
      paths: v3('/pushrules/global/'),
      auth: 'required',
      handler: async ({ user }) => pushRulesOf(await upToDate(api), user.userId),
    }),
    // As older specifications had it, and clients of theirs still ask.
    defineRoute<GetPushRulesOfKind>({
      module: 'push_rules',
      name: 'getPushRulesOfKind',
      method: 'GET',
      paths: v3('/pushrules/global/{kind}/'),
      auth: 'required',
      handler: async ({ user, params }) => (await pushRulesOf(await upToDate(api), user.userId))[params.kind],
    }),
    defineRoute<GetPushRule>({
      module: 'push_rules',
      name: 'getPushRule',
      method: 'GET',
      paths: ONE,
      auth: 'required',
      handler: ({ user, params }) => rule(user.userId, params),
    }),
    defineRoute<IsPushRuleEnabled>({
      module: 'push_rules',
      name: 'isPushRuleEnabled',
      method: 'GET',
      paths: ENABLED,
      auth: 'required',
      handler: async ({ user, params }) => ({ enabled: (await rule(user.userId, params)).enabled }),
    }),
    defineRoute<GetPushRuleActions>({
      module: 'push_rules',
      name: 'getPushRuleActions',
      method: 'GET',
      paths: ACTIONS,
      auth: 'required',
      handler: async ({ user, params }) => ({ actions: (await rule(user.userId, params)).actions }),
    }),
  ];
}

function changingRoutes(api: ClientApi): Route[] {
  const change = async (
    request: { readonly user: { readonly userId: string }; readonly correlationId: string },
    wish: PushRuleChange,
  ): Promise<object> => {
    await done(api, changePushRules(api.write, request.user.userId, wish, commandContext(api, request)));
    return {};
  };
  return [
    defineRoute<SetPushRule>({
      module: 'push_rules',
      name: 'setPushRule',
      method: 'PUT',
      paths: ONE,
      auth: 'required',
      handler: (request) => {
        const { before, after } = request.query;
        // The command reads the rule from the body, and says what is wrong with it.
        const body = request.body as JsonObject;
        return change(request, { change: 'put', ...request.params, body, place: { before, after } });
      },
    }),
    defineRoute<DeletePushRule>({
      module: 'push_rules',
      name: 'deletePushRule',
      method: 'DELETE',
      paths: ONE,
      auth: 'required',
      handler: (request) => change(request, { change: 'delete', ...request.params }),
    }),
    defineRoute<SetPushRuleEnabled>({
      module: 'push_rules',
      name: 'setPushRuleEnabled',
      method: 'PUT',
      paths: ENABLED,
      auth: 'required',
      handler: (request) =>
        change(request, { change: 'enabled', ...request.params, enabled: request.body.enabled }),
    }),
    defineRoute<SetPushRuleActions>({
      module: 'push_rules',
      name: 'setPushRuleActions',
      method: 'PUT',
      paths: ACTIONS,
      auth: 'required',
      handler: (request) => {
        const { actions } = request.body;
        return change(request, { change: 'actions', ...request.params, actions });
      },
    }),
  ];
}

/**
 * Other scopes, kinds and attributes than there are. They are parameters that are wrong, not endpoints that are
 * missing: 400 says so, as clients know it from Synapse, where 404 would say that there is no such rule.
 */
function refusals(): Route[] {
  const methods = ['GET', 'PUT', 'DELETE'] as const;
  return methods.map((method) =>
    defineRoute({
      module: 'push_rules',
      name: 'unknownPushRules',
      method,
      paths: v3('/pushrules/*'),
      auth: 'required',
      handler: () => {
        throw new MatrixError('M_UNRECOGNIZED', 'Push rules are named as global/{kind}/{ruleId}.', {
          status: 400,
        });
      },
    }),
  );
}
