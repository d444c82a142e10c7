import { createHash, generateKeyPairSync } from 'node:crypto'
import { signAdminRequest } from '../../admin-api/index.ts'
import { risingTimestamps } from '../../admin-api/rising-timestamps.test-support.ts'
import { toJwk } from '../../http-signatures/index.ts'
import { ADMIN_SECRET, IDP_SECRET, OPERATOR_ID } from '../testing.ts'
import type { AuthHarness, JsonAnswer, TestClient } from '../testing.ts'
import { INTERACT, INTERACT_WITHOUT_FINISH, pathOf, SUBJECT } from '../testing-grants.ts'
import type { GrantAnswer } from '../testing-grants.ts'
import { accessNamed, askedAccess, at, OPEN_API, WAIT_MS } from './model.test-support.ts'
import type { AccessRight, Answer, Model } from './model.test-support.ts'
import type { ClientIndex, SecretChoice, Signer, Step, TokenChoice } from './steps.test-support.ts'

const UNKNOWN_ID = '44444444-4444-4444-8444-444444444444'
const OWN_TENANT_SECRET = "secret of the history's tenant"
const PROVIDERS = {
  first: { idpConsentUrl: 'https://idp.example/consent?theme=dark', idpSecret: IDP_SECRET },
  second: { idpConsentUrl: 'https://second.example/', idpSecret: `${IDP_SECRET}, the second` },
  none: { idpConsentUrl: null, idpSecret: null }
}
const CLIENT_NAMES = ['Shop & Söhne', 'Other', ''] as const

/** A grant by what the service made of it. */
interface RealGrant {
  id: string
  continuePath: string
  token: string
  interaction: { id: string; nonce: string; ref: string } | undefined
}
interface RealToken {
  value: string
  managePath: string
}

/** Takes the steps of one history at the real service, and puts its answers in the model's words. */
export interface Driver {
  /** `model` as it is before the step: what the step's numbers name. */
  take(step: Exclude<Step, { kind: 'go on' }>, model: Model): Promise<Answer>
  /** What the database holds of each grant, in their order: its state, and how many tokens are not revoked. */
  grants(): Promise<{ state: string; tokens: number }[]>
}

export async function createDriver(harness: AuthHarness): Promise<Driver> {
  const tenantId = harness.runtime.random.uuid()
  const key = generateKeyPairSync('ed25519').privateKey
  const clients: readonly [TestClient, TestClient, TestClient] = [
    harness.client,
    harness.otherClient,
    { walletAddress: '', keyId: 'own-key', privateKey: key }
  ]
  const jwk = toJwk(key, 'own-key')
  const grants: RealGrant[] = []
  const tokens: RealToken[] = []
  /** Cookies, by browser. */
  const cookies = new Map<number, string>()

  for (const client of clients.slice(0, 2)) publish(client, true)
  await harness.send('serviceApi', 'POST', '/tenant', {
    body: { id: tenantId, apiSecret: OWN_TENANT_SECRET, ...PROVIDERS.first }
  })

  function publish(client: TestClient, published: boolean): void {
    harness.publishKeys(client, published ? [toJwk(client.privateKey, client.keyId)] : [])
  }

  function signer(client: ClientIndex, by: Signer): TestClient | null {
    const other = clients[((client + 1) % 3) as ClientIndex]
    switch (by) {
      case 'own':
        return clients[client]
      case 'other':
        return other
      case 'nobody':
        return null
      case 'forger':
        return { ...clients[client], privateKey: other.privateKey }
    }
  }

  function chosenToken(index: number, choice: TokenChoice): string | undefined {
    switch (choice) {
      case 'own':
        return at(grants, index)?.token ?? 'A'.repeat(20)
      case 'of another':
        return grants.length > 1 && index >= 0 ? at(grants, index + 1)!.token : 'B'.repeat(20)
      case 'unknown':
        return 'A'.repeat(20)
      case 'none':
        return undefined
    }
  }

  function chosenSecret(model: Model, index: number, choice: SecretChoice): Record<string, string> {
    const isOwn = at(model.grants, index)?.tenant === 'own'
    const own = isOwn ? PROVIDERS[model.provider === 'none' ? 'first' : model.provider] : PROVIDERS.first
    switch (choice) {
      case 'own':
        return { 'x-idp-secret': own.idpSecret }
      case 'of another':
        return { 'x-idp-secret': own === PROVIDERS.first ? PROVIDERS.second.idpSecret : IDP_SECRET }
      case 'shorter':
        return { 'x-idp-secret': own.idpSecret.slice(1) }
      case 'none':
        return {}
    }
  }

  /** Takes a token that was issued into the history. */
  function keepToken({ access_token }: Pick<GrantAnswer, 'access_token'>): AccessRight[] | undefined {
    if (!access_token) return undefined
    if (access_token.expires_in !== 600) throw new Error(`expires_in is ${access_token.expires_in}`)
    if (tokens.some(({ value }) => value === access_token.value)) throw new Error('a token was issued twice')
    tokens.push({ value: access_token.value, managePath: pathOf(access_token.manage) })
    return access_token.access as AccessRight[]
  }

  async function keepGrant(answer: GrantAnswer): Promise<void> {
    const continuePath = pathOf(answer.continue.uri)
    const [row] = await harness.sql(
      `SELECT g.id, i.id AS "interactionId", i.nonce, i.ref
       FROM grants g LEFT JOIN interactions i ON i."grantId" = g.id WHERE g."continueId" = ?`,
      [continuePath.split('/').at(-1)]
    )
    const { id, interactionId, nonce, ref } = row as Record<string, string>
    const interaction = interactionId ? { id: interactionId, nonce: nonce!, ref: ref! } : undefined
    if (interaction && !answer.interact?.redirect.includes(`/interact/${interactionId}/${nonce}?`)) {
      throw new Error(`the browser is asked to go to ${answer.interact?.redirect}`)
    }
    grants.push({ id: id!, continuePath, token: answer.continue.access_token.value, interaction })
  }

  async function ask(step: Extract<Step, { kind: 'ask' }>): Promise<Answer> {
    const { client, tenant, by } = step
    const access = accessNamed(step.access)
    const tenantIds = { operator: OPERATOR_ID, own: tenantId, unknown: UNKNOWN_ID }
    const answer = await harness.signed({
      method: 'POST',
      path: `/${tenantIds[tenant]}`,
      by: signer(client, by),
      body: {
        client: client === 2 ? { jwk } : { walletAddress: clients[client].walletAddress },
        ...(access && { access_token: { access } }),
        ...(step.subject && { subject: SUBJECT }),
        ...(step.interact !== 'none' && {
          interact: step.interact === 'finish' ? INTERACT : INTERACT_WITHOUT_FINISH
        })
      }
    })
    if (answer.status !== 200) return refusalOf(answer)
    const body = answer.json<GrantAnswer>()
    await keepGrant(body)
    return grantAnswer(body)
  }

  function grantAnswer(body: GrantAnswer): Answer {
    const token = keepToken(body)
    return {
      status: 200,
      ...(token && { token }),
      ...(body.subject !== undefined && { subject: isSubject(body.subject) }),
      ...(body.interact && { interact: true }),
      ...(body.continue.wait !== undefined && { wait: body.continue.wait })
    }
  }

  const isSubject = (subject: object) => JSON.stringify(subject) === JSON.stringify(SUBJECT)

  async function continueGrant(step: Extract<Step, { kind: 'continue' }>, model: Model): Promise<Answer> {
    const grant = at(grants, step.grant)
    const another = at(
      grants.filter((other) => other !== grant && other.interaction),
      step.grant
    )
    const token = chosenToken(step.grant, step.token)
    const references = {
      nothing: undefined,
      'own reference': { interact_ref: grant?.interaction?.ref ?? UNKNOWN_ID },
      'reference of another': { interact_ref: another?.interaction?.ref ?? UNKNOWN_ID },
      'unknown reference': { interact_ref: 'x' },
      'no reference': {}
    }
    const answer = await harness.signed({
      method: 'POST',
      path: grant?.continuePath ?? `/continue/${UNKNOWN_ID}`,
      by: signer(at(model.grants, step.grant)?.client ?? 0, step.by),
      ...(token !== undefined && { token }),
      ...(references[step.with] && { body: references[step.with] })
    })
    if (answer.status !== 200) return refusalOf(answer)
    const body = answer.json<GrantAnswer>()
    if (
      pathOf(body.continue.uri) !== grant?.continuePath ||
      body.continue.access_token.value !== grant.token
    ) {
      throw new Error('a grant is continued as another')
    }
    return grantAnswer(body)
  }

  async function cancel(step: Extract<Step, { kind: 'cancel' }>, model: Model): Promise<Answer> {
    const token = chosenToken(step.grant, step.token)
    const answer = await harness.signed({
      method: 'DELETE',
      path: at(grants, step.grant)?.continuePath ?? `/continue/${UNKNOWN_ID}`,
      by: signer(at(model.grants, step.grant)?.client ?? 0, step.by),
      ...(token !== undefined && { token })
    })
    return answer.status === 204 ? { status: 204 } : refusalOf(answer)
  }

  async function browse(step: Extract<Step, { kind: 'start' | 'finish' }>, model: Model): Promise<Answer> {
    const { kind, grant: index, browser, nonce } = step
    const interaction = at(grants, index)?.interaction
    const shown = nonce === 'own' && interaction ? interaction.nonce : 'F'.repeat(16)
    const path = `/interact/${interaction?.id ?? UNKNOWN_ID}/${shown}${kind === 'finish' ? '/finish' : ''}`
    const cookie = cookies.get(browser)
    const answer = await harness.send('auth', 'GET', path, {
      headers: cookie === undefined ? {} : { cookie }
    })
    const set = [answer.headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0])
    if (set.length > 0) cookies.set(browser, set.join('; '))
    if (answer.status === 202) return { status: 202 }
    if (answer.status !== 302) return refusalOf(answer)
    const location = new URL(answer.headers.location as string)
    const redirect = readRedirect(location, index, model)
    return { status: 302, redirect }
  }

  function readRedirect(location: URL, index: number, model: Model): NonNullable<Answer['redirect']> {
    const parameters = Object.fromEntries(location.searchParams)
    if (location.href.startsWith(INTERACT.finish.uri)) {
      const { order, hash, interact_ref: ref, ...others } = parameters
      if (order !== '1 2') throw new Error("the client's own parameters are lost")
      return {
        to: 'client',
        with: {
          ...others,
          ...(hash !== undefined && { hash: hash === hashOf(index, model) ? 'right' : 'wrong' }),
          ...(ref !== undefined && {
            interact_ref: ref === at(grants, index)?.interaction?.ref ? 'own' : ref
          })
        }
      }
    }
    const { theme: _, ...asked } = parameters
    const client = at(model.grants, index)!.client
    const { id, nonce } = at(grants, index)!.interaction!
    const expected = {
      interactId: id,
      nonce,
      clientName: CLIENT_NAMES[client],
      clientUri: clients[client].walletAddress
    }
    if (JSON.stringify(asked) !== JSON.stringify(expected))
      throw new Error(`consent is asked for at ${location}`)
    return { to: location.hostname === 'idp.example' ? 'first' : 'second', with: {} }
  }

  /** RFC 9635 section 4.2.3, as Open Payments clients calculate it. */
  function hashOf(index: number, model: Model): string {
    const { nonce, ref } = at(grants, index)!.interaction!
    const tenant = at(model.grants, index)!.tenant === 'own' ? tenantId : OPERATOR_ID
    const lines = [INTERACT.finish.nonce, nonce, ref, `${harness.config.AUTH_SERVER_URL}/${tenant}`]
    return createHash('sha256').update(lines.join('\n')).digest('base64')
  }

  async function provide(step: Extract<Step, { kind: 'details' | 'decide' }>, model: Model): Promise<Answer> {
    const { id, nonce } = at(grants, step.grant)?.interaction ?? { id: UNKNOWN_ID, nonce: 'F'.repeat(16) }
    const headers = chosenSecret(model, step.grant, step.secret)
    if (step.kind === 'decide') {
      const answer = await harness.send('interaction', 'POST', `/grant/${id}/${nonce}/${step.choice}`, {
        headers
      })
      return answer.status === 202 ? { status: 202 } : refusalOf(answer)
    }
    const answer = await harness.send('interaction', 'GET', `/grant/${id}/${nonce}`, { headers })
    if (answer.status !== 200) return refusalOf(answer)
    const told = answer.json<{ grantId: string; access: AccessRight[]; subject?: object; state: string }>()
    if (told.grantId !== at(grants, step.grant)!.id)
      throw new Error('the grant of another interaction is told')
    return {
      status: 200,
      access: told.access,
      ...(told.subject && { subject: isSubject(told.subject) }),
      state: told.state
    }
  }

  async function manage(step: Extract<Step, { kind: 'rotate' | 'revoke' }>, model: Model): Promise<Answer> {
    const real = at(tokens, step.token)
    const values = { own: real?.value ?? 'A'.repeat(20), other: 'C'.repeat(20), none: undefined }
    const token = values[step.value]
    const answer = await harness.signed({
      method: step.kind === 'rotate' ? 'POST' : 'DELETE',
      path: real?.managePath ?? `/token/${UNKNOWN_ID}`,
      by: signer(at(model.tokens, step.token)?.grant.client ?? 0, step.by),
      ...(token !== undefined && { token })
    })
    if (answer.status === 204) return { status: 204 }
    if (answer.status !== 200) return refusalOf(answer)
    return { status: 200, token: keepToken(answer.json<GrantAnswer>())! }
  }

  async function introspect(step: Extract<Step, { kind: 'introspect' }>, model: Model): Promise<Answer> {
    const token = at(model.tokens, step.token)
    const access_token = at(tokens, step.token)?.value ?? 'A'.repeat(20)
    const answer = await harness.send('introspection', 'POST', '/', {
      body: { access_token, access: askedAccess(token, step.access) }
    })
    if (answer.status !== 200) return refusalOf(answer)
    const told = answer.json<{ active: boolean; grant?: string; access?: AccessRight[]; client?: object }>()
    if (!told.active) return { status: 200, active: false }
    const { grant, access, client } = told
    const owner = token!.grant
    const expected = owner.client === 2 ? { jwk } : { walletAddress: clients[owner.client].walletAddress }
    const isRight =
      grant === grants[model.grants.indexOf(owner)]!.id &&
      JSON.stringify(Object.entries(client!).map(([name, value]) => [name, sorted(value)])) ===
        JSON.stringify(Object.entries(expected).map(([name, value]) => [name, sorted(value)]))
    if (!isRight) throw new Error('a token is told to be of another grant or client')
    return { status: 200, active: true, access: access! }
  }

  const nextMs = risingTimestamps(() => harness.runtime.clock.nowMs())
  async function revokeGrant(step: Extract<Step, { kind: 'revoke grant' }>): Promise<Answer> {
    const grantId = at(grants, step.grant)?.id ?? UNKNOWN_ID
    const body = {
      query: 'mutation ($input: RevokeGrantInput!) { revokeGrant(input: $input) { id } }',
      variables: { input: { grantId } }
    }
    const [id, secret] = step.by === 'operator' ? [OPERATOR_ID, ADMIN_SECRET] : [tenantId, OWN_TENANT_SECRET]
    const signature = signAdminRequest({ body, secret, version: 1, timestampMs: nextMs() })
    const answer = await harness.send('admin', 'POST', '/graphql', {
      body,
      headers: { 'tenant-id': id, signature }
    })
    if (answer.status !== 200) return { status: answer.status }
    const { errors } = answer.json<{ errors?: { message: string; extensions: { code: string } }[] }>()
    const [error] = errors ?? []
    return { status: 200, ...(error && { error: [error.extensions.code, error.message] }) }
  }

  const administer = async (method: 'PATCH' | 'DELETE', body: object): Promise<Answer> => {
    const answer = await harness.send('serviceApi', method, `/tenant/${tenantId}`, { body })
    return answer.status === 204 ? { status: 204 } : refusalOf(answer)
  }

  return {
    async take(step, model) {
      switch (step.kind) {
        case 'ask':
          return ask(step)
        case 'continue':
          return continueGrant(step, model)
        case 'cancel':
          return cancel(step, model)
        case 'start':
        case 'finish':
          return browse(step, model)
        case 'details':
        case 'decide':
          return provide(step, model)
        case 'rotate':
        case 'revoke':
          return manage(step, model)
        case 'introspect':
          return introspect(step, model)
        case 'revoke grant':
          return revokeGrant(step)
        case 'wait':
          harness.shift(step.ms)
          return { status: 0 }
        case 'publish':
          publish(clients[step.client], step.key)
          return { status: 0 }
        case 'provider':
          return administer('PATCH', PROVIDERS[step.is])
        case 'delete tenant':
          return administer('DELETE', { deletedAt: new Date(harness.runtime.clock.nowMs()).toISOString() })
      }
    },
    async grants() {
      const rows = await harness.sql(
        `SELECT g.id, coalesce(g."finalizationReason", g.state) AS state,
           (SELECT count(*)::int FROM "accessTokens" t WHERE t."grantId" = g.id AND t."revokedAt" IS NULL) AS tokens
         FROM grants g WHERE g.id = ANY(?)`,
        [grants.map(({ id }) => id)]
      )
      return grants.map(({ id }) => {
        const row = rows.find((found) => found.id === id)
        return { state: row?.state as string, tokens: row?.tokens as number }
      })
    }
  }
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).sort() : value

function refusalOf(answer: JsonAnswer): Answer {
  const { code, description } = answer.json<{ error: { code?: string; description: string } }>().error
  if (code === undefined && description.startsWith(`${OPEN_API.error![1]}: `)) return OPEN_API
  return { status: answer.status, error: [code, description] }
}

export const HARNESS_ENVIRONMENT = { WAIT_SECONDS: String(WAIT_MS / 1000) }
