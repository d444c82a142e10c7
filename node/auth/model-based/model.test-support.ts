import { IDENTIFIER, INCOMING, OUTGOING, QUOTE } from '../testing-grants.ts'
import type {
  AccessName,
  ClientIndex,
  ProviderName,
  SecretChoice,
  Signer,
  Step,
  TokenChoice
} from './steps.test-support.ts'

/*
 * What GNAP promises (RFC 9635, Open Payments), as plainly as it can be said: no database, no ids, no secrets. The
 * service must answer every step of every history as this does.
 *
 *  grant         PENDING ──finish, accepted──▶ APPROVED ──continue──▶ ISSUED ──cancel, revoke──▶ REVOKED
 *                   └──finish, denied──▶ REJECTED     (cancelling and revoking end PENDING and APPROVED as well)
 *  interaction   PENDING ──accept──▶ APPROVED, ──reject──▶ DENIED, until it expires
 *  token         active ──600 s──▶ expired; rotation, revocation and the end of its grant revoke it
 */

export const WAIT_MS = 5_000
export const INTERACTION_MS = 600_000
export const TOKEN_MS = 600_000

export interface AccessRight {
  type: string
  actions: string[]
  identifier?: string
  limits?: object
}

const FOUND: Record<AccessName, AccessRight[] | undefined> = {
  incoming: [INCOMING, { ...QUOTE, actions: ['create'] }],
  quote: [QUOTE],
  outgoing: [OUTGOING, INCOMING],
  'list-all': [{ type: 'incoming-payment', actions: ['list-all', 'read'], identifier: IDENTIFIER }],
  'list-all of nobody': [{ type: 'incoming-payment', actions: ['list-all'] }],
  'two amounts': [
    {
      ...OUTGOING,
      limits: { debitAmount: OUTGOING.limits.debitAmount, receiveAmount: OUTGOING.limits.debitAmount }
    }
  ],
  'no interval': [{ ...OUTGOING, limits: { interval: 'P1M' } }],
  none: undefined
}

export function accessNamed(name: AccessName): AccessRight[] | undefined {
  return FOUND[name]
}

/** What was answered, in the words of the model: who compares puts names in the place of ids and secrets. */
export interface Answer {
  status: number
  /** Code and description of a refusal; those of the OpenAPI document have no code. */
  error?: [string | undefined, string]
  /** Access of a token that was issued. */
  token?: AccessRight[]
  subject?: boolean
  /** Seconds to wait before continuing. */
  wait?: number
  /** The browser is asked to come to this server. */
  interact?: boolean
  /** Where the browser is sent, and with what. */
  redirect?: { to: 'client' | ProviderName; with: Record<string, string> }
  /** Of an interaction, as its identity provider sees it. */
  state?: string
  access?: AccessRight[]
  active?: boolean
}

export interface ModelGrant {
  client: ClientIndex
  tenant: 'operator' | 'own'
  access: AccessRight[]
  subject: boolean
  finish: boolean
  state: 'PENDING' | 'APPROVED' | 'ISSUED' | 'REJECTED' | 'REVOKED'
  lastContinuedMs: number
  interaction:
    { state: 'PENDING' | 'APPROVED' | 'DENIED'; expiresMs: number; browsers: Set<number> } | undefined
}

export interface ModelToken {
  grant: ModelGrant
  expiresMs: number
  revoked: boolean
}

export interface Model {
  nowMs: number
  grants: ModelGrant[]
  tokens: ModelToken[]
  /** The identity provider of the history's own tenant. */
  provider: ProviderName | 'none'
  tenantDeleted: boolean
  /** Whether the clients with wallet addresses publish their keys. */
  published: [boolean, boolean]
}

export function createModel(nowMs: number): Model {
  return {
    nowMs,
    grants: [],
    tokens: [],
    provider: 'first',
    tenantDeleted: false,
    published: [true, true]
  }
}

/** What a number of a step names: the one at that place, counted round; undefined for -1 or where there is none. */
export function at<T>(list: readonly T[], index: number): T | undefined {
  return index < 0 ? undefined : list[index % Math.max(1, list.length)]
}

const refuse = (status: number, code: string | undefined, description: string): Answer => ({
  status,
  error: [code, description]
})

export const OPEN_API = refuse(400, undefined, 'Received error validating OpenAPI request')
const INVALID_GRANT = refuse(401, 'invalid_continuation', 'invalid grant')
const INVALID_TOKEN = refuse(401, 'invalid_client', 'invalid access token')

/** Applies a step; gives what is to be answered. */
export function apply(model: Model, step: Exclude<Step, { kind: 'go on' }>): Answer {
  switch (step.kind) {
    case 'ask':
      return ask(model, step)
    case 'continue':
      return continueGrant(model, step)
    case 'cancel':
      return cancel(model, step)
    case 'start':
      return start(model, step)
    case 'finish':
      return finish(model, step)
    case 'details':
      return details(model, step)
    case 'decide':
      return decide(model, step)
    case 'rotate':
    case 'revoke':
      return manage(model, step)
    case 'introspect':
      return introspect(model, step)
    case 'wait':
      model.nowMs += step.ms
      return { status: 0 }
    case 'revoke grant':
      return revokeGrant(model, step)
    case 'publish':
      model.published[step.client] = step.key
      return { status: 0 }
    case 'provider':
      if (model.tenantDeleted) return refuse(404, 'invalid_request', 'unknown tenant')
      model.provider = step.is
      return { status: 204 }
    case 'delete tenant': {
      if (model.tenantDeleted) return refuse(404, 'invalid_request', 'unknown tenant')
      model.tenantDeleted = true
      return { status: 204 }
    }
  }
}

const isGone = (model: Model, grant: ModelGrant): boolean => grant.tenant === 'own' && model.tenantDeleted

/** Why a request is not the client's; undefined where it is. */
function authenticate(model: Model, client: ClientIndex, by: Signer): Answer | undefined {
  if (by === 'nobody') return refuse(401, 'invalid_client', 'invalid signature headers')
  if (by === 'other' || (client !== 2 && !model.published[client])) {
    return refuse(400, 'invalid_client', 'could not determine client')
  }
  return by === 'forger' ? refuse(401, 'invalid_client', 'invalid signature') : undefined
}

function ask(model: Model, step: Extract<Step, { kind: 'ask' }>): Answer {
  const { client, tenant, subject, interact, by } = step
  const access = accessNamed(step.access)
  if (access === undefined && !(subject && interact !== 'none')) return OPEN_API
  if (tenant === 'unknown' || (tenant === 'own' && model.tenantDeleted)) {
    return refuse(404, 'invalid_request', 'Not Found')
  }
  const stranger = authenticate(model, client, by)
  if (stranger) return stranger
  if (step.access === 'list-all of nobody')
    return refuse(400, 'invalid_request', 'access identifier required')
  if (step.access === 'two amounts') return refuse(400, 'invalid_request', 'only one access amount allowed')
  if (step.access === 'no interval') {
    return refuse(400, 'invalid_request', 'access interval must be an ISO 8601 repeating interval')
  }
  const grant: ModelGrant = {
    client,
    tenant,
    access: access ?? [],
    subject,
    finish: interact === 'finish',
    state: 'APPROVED',
    lastContinuedMs: model.nowMs,
    interaction: undefined
  }
  if (!subject && (step.access === 'incoming' || step.access === 'quote')) {
    grant.finish = false
    model.grants.push(grant)
    return { status: 200, token: issueToken(model, grant) }
  }
  if (interact === 'none') return refuse(400, 'invalid_request', "missing required request field 'interact'")
  if (providerOf(model, tenant) === 'none') return refuse(400, 'invalid_request', 'invalid tenant')
  if (client === 2) {
    return refuse(400, 'invalid_client', 'JWK client identifier cannot be used for interactive grants')
  }
  grant.state = 'PENDING'
  grant.interaction = {
    state: 'PENDING',
    expiresMs: model.nowMs + INTERACTION_MS,
    browsers: new Set()
  }
  model.grants.push(grant)
  return { status: 200, interact: true, wait: WAIT_MS / 1000 }
}

const providerOf = (model: Model, tenant: 'operator' | 'own'): ProviderName | 'none' =>
  tenant === 'operator' ? 'first' : model.provider

function issueToken(model: Model, grant: ModelGrant): AccessRight[] {
  model.tokens.push({ grant, expiresMs: model.nowMs + TOKEN_MS, revoked: false })
  return grant.access
}

/** The grant that a continuation token is for, or why there is none. */
function findContinued(
  model: Model,
  { grant: index, token, by }: { grant: number; token: TokenChoice; by: Signer },
  missing: Answer
): ModelGrant | Answer {
  if (token === 'none') return missing
  const grant = at(model.grants, index)
  if (!grant || token !== 'own' || grant.state === 'REVOKED' || isGone(model, grant)) return INVALID_GRANT
  return authenticate(model, grant.client, by) ?? grant
}

const isAnswer = (value: ModelGrant | Answer): value is Answer => 'status' in value

function continueGrant(model: Model, step: Extract<Step, { kind: 'continue' }>): Answer {
  const missing = refuse(401, 'invalid_continuation', 'missing continuation information')
  const grant = findContinued(model, step, missing)
  if (isAnswer(grant)) return grant
  const isTooFast = grant.lastContinuedMs + WAIT_MS > model.nowMs
  switch (step.with) {
    case 'no reference':
      return refuse(401, 'invalid_request', 'missing interaction reference')
    case 'nothing':
      if (isTooFast) return refuse(400, 'too_fast', 'polled grant faster than "wait" period')
      if (grant.finish) return refuse(401, 'request_denied', 'grant cannot be polled')
      if (grant.state === 'PENDING') {
        grant.lastContinuedMs = model.nowMs
        return { status: 200, wait: WAIT_MS / 1000 }
      }
      return issue(model, grant) ?? refuse(401, 'request_denied', 'grant cannot be continued')
    case 'reference of another':
    case 'unknown reference':
    case 'own reference': {
      if (step.with !== 'own reference' || !grant.interaction || grant.state === 'REJECTED') {
        return refuse(404, 'invalid_continuation', 'grant not found')
      }
      if (isTooFast) return refuse(400, 'too_fast', 'continued grant faster than "wait" period')
      return issue(model, grant) ?? refuse(401, 'request_denied', 'grant interaction not approved')
    }
  }
}

/** What an approved grant gives, once. */
function issue(model: Model, grant: ModelGrant): Answer | undefined {
  if (grant.state !== 'APPROVED') return undefined
  grant.state = 'ISSUED'
  grant.lastContinuedMs = model.nowMs
  return {
    status: 200,
    ...(grant.access.length > 0 && { token: issueToken(model, grant) }),
    ...(grant.subject && { subject: true })
  }
}

function end(model: Model, grant: ModelGrant): void {
  grant.state = 'REVOKED'
  for (const token of model.tokens) if (token.grant === grant) token.revoked = true
}

function cancel(model: Model, step: Extract<Step, { kind: 'cancel' }>): Answer {
  const grant = findContinued(model, step, refuse(401, 'invalid_request', 'invalid continuation information'))
  if (isAnswer(grant)) return grant
  if (grant.state === 'REJECTED') return refuse(404, 'invalid_request', 'invalid grant')
  end(model, grant)
  return { status: 204 }
}

function revokeGrant(model: Model, { grant: index, by }: Extract<Step, { kind: 'revoke grant' }>): Answer {
  if (by === 'own' && model.tenantDeleted) return { status: 401 }
  const grant = at(model.grants, index)
  if (!grant || (by === 'own' && grant.tenant !== 'own')) {
    return refuse(200, 'NOT_FOUND', 'Revoke grant was not successful')
  }
  if (grant.state !== 'REJECTED') end(model, grant)
  return { status: 200 }
}

/** An interaction of its id and nonce. */
function findInteraction(model: Model, index: number, nonce: 'own' | 'other' = 'own') {
  const grant = at(model.grants, index)
  if (!grant?.interaction || nonce === 'other' || isGone(model, grant)) return undefined
  return { grant, interaction: grant.interaction }
}

/** A refusal reaches the client by the browser where it has an address for it. */
function refuseBrowser(grant: ModelGrant, status: number, code: string, message: string): Answer {
  if (!grant.finish) return refuse(status, code, message)
  return { status: 302, redirect: { to: 'client', with: { result: code, message } } }
}

function start(
  model: Model,
  { grant: index, browser, nonce }: Extract<Step, { kind: 'start' | 'finish' }>
): Answer {
  const found = findInteraction(model, index, nonce)
  if (!found) return refuse(400, 'unknown_interaction', 'unknown interaction')
  const { grant, interaction } = found
  const provider = providerOf(model, grant.tenant)
  if (interaction.state !== 'PENDING' || grant.state !== 'PENDING' || provider === 'none') {
    return refuseBrowser(grant, 403, 'invalid_interaction', 'invalid interaction')
  }
  if (interaction.expiresMs <= model.nowMs) {
    return refuseBrowser(grant, 403, 'invalid_interaction', 'interaction expired')
  }
  interaction.browsers.add(browser)
  return { status: 302, redirect: { to: provider, with: {} } }
}

function finish(
  model: Model,
  { grant: index, browser, nonce }: Extract<Step, { kind: 'start' | 'finish' }>
): Answer {
  const found = findInteraction(model, index, nonce)
  if (!found) return refuse(404, 'unknown_interaction', 'unknown interaction')
  const { grant, interaction } = found
  if (interaction.expiresMs <= model.nowMs) {
    return refuseBrowser(grant, 401, 'invalid_interaction', 'interaction expired')
  }
  if (!interaction.browsers.has(browser)) return refuse(401, 'invalid_request', 'invalid session')
  if (grant.state === 'REVOKED')
    return refuseBrowser(grant, 404, 'unknown_interaction', 'unknown interaction')
  const back = (query: Record<string, string>): Answer =>
    grant.finish ? { status: 302, redirect: { to: 'client', with: query } } : { status: 202 }
  switch (interaction.state) {
    case 'APPROVED':
      if (grant.state === 'PENDING') grant.state = 'APPROVED'
      return back({ hash: 'right', interact_ref: 'own' })
    case 'DENIED':
      if (grant.state === 'PENDING') grant.state = 'REJECTED'
      return back({ result: 'grant_rejected' })
    case 'PENDING':
      if (grant.finish) return back({ result: 'grant_invalid' })
      return refuse(401, 'invalid_interaction', 'interaction is not active')
  }
}

/** The interaction that an identity provider asks about, or why it may not. */
function findProvided(model: Model, index: number, secret: SecretChoice, code: string) {
  const found = findInteraction(model, index)
  if (!found) return refuse(404, 'unknown_interaction', 'unknown interaction')
  if (secret !== 'own' || providerOf(model, found.grant.tenant) === 'none') {
    return refuse(401, code, 'invalid x-idp-secret')
  }
  return found
}

function details(model: Model, { grant: index, secret }: Extract<Step, { kind: 'details' }>): Answer {
  const found = findProvided(model, index, secret, 'invalid_request')
  if ('status' in found) return found
  const { grant, interaction } = found
  if (grant.state === 'REVOKED') return refuse(404, 'unknown_interaction', 'unknown interaction')
  return {
    status: 200,
    access: grant.access,
    ...(grant.subject && { subject: true }),
    state: interaction.state
  }
}

function decide(model: Model, { grant: index, secret, choice }: Extract<Step, { kind: 'decide' }>): Answer {
  const found = findProvided(model, index, secret, 'invalid_interaction')
  if ('status' in found) return found
  const { grant, interaction } = found
  if (grant.state === 'REVOKED' || grant.state === 'REJECTED') {
    return refuse(401, 'user_denied', 'user denied interaction')
  }
  if (choice === 'maybe') return refuse(400, 'invalid_request', 'the choice must be accept or reject')
  if (interaction.state !== 'PENDING' || interaction.expiresMs <= model.nowMs) {
    return refuse(400, 'invalid_interaction', 'invalid interaction')
  }
  interaction.state = choice === 'accept' ? 'APPROVED' : 'DENIED'
  return { status: 202 }
}

function manage(
  model: Model,
  { kind, token: index, by, value }: Extract<Step, { kind: 'rotate' | 'revoke' }>
): Answer {
  const token = at(model.tokens, index)
  if (!token || token.revoked || value !== 'own' || isGone(model, token.grant)) return INVALID_TOKEN
  const stranger = authenticate(model, token.grant.client, by)
  if (stranger) return stranger
  token.revoked = true
  return kind === 'revoke' ? { status: 204 } : { status: 200, token: issueToken(model, token.grant) }
}

function introspect(model: Model, { token: index, access }: Extract<Step, { kind: 'introspect' }>): Answer {
  const token = at(model.tokens, index)
  if (!token || token.revoked || token.expiresMs <= model.nowMs || isGone(model, token.grant)) {
    return { status: 200, active: false }
  }
  const matching = access === 'own' || access === 'a part' ? token.grant.access : []
  return { status: 200, active: true, access: matching }
}

/** What a resource server asks about a token's first right: the right itself, a part of it, or something else. */
export function askedAccess(
  token: ModelToken | undefined,
  access: Extract<Step, { kind: 'introspect' }>['access']
): AccessRight[] {
  const rights = token?.grant.access ?? [INCOMING]
  switch (access) {
    case 'own':
      return rights
    case 'a part':
      return rights.map(({ type, actions }) => ({ type, actions: [actions[0]!] }))
    case 'more':
      return rights.map((right) => ({ ...right, actions: [...right.actions, 'complete', 'list'] }))
    case 'of another':
      return rights.map(({ type }) => ({ type: `${type}s`, actions: ['read'] }))
    case 'nothing':
      return []
  }
}
