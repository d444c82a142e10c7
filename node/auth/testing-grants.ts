import type { AuthHarness, JsonAnswer, TestClient } from './testing.ts'
import { IDP_SECRET, OPERATOR_ID } from './testing.ts'

/** What clients of the tests ask for. */
export const IDENTIFIER = 'https://wallet.example/alice'
export const INCOMING = { type: 'incoming-payment', actions: ['create', 'read'] }
export const QUOTE = { type: 'quote', actions: ['create', 'read'] }
export const OUTGOING = {
  type: 'outgoing-payment',
  actions: ['create', 'read'],
  identifier: IDENTIFIER,
  limits: {
    debitAmount: { value: '500', assetCode: 'USD', assetScale: 2 },
    interval: 'R12/2019-08-24T14:15:22Z/P1M'
  }
}
export const SUBJECT = { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] }
export const INTERACT = {
  start: ['redirect'],
  finish: { method: 'redirect', uri: 'https://shop.example/back?order=1%202', nonce: 'client nonce' }
}
/** An interaction after which no browser comes back: the client polls. */
export const INTERACT_WITHOUT_FINISH = { start: ['redirect'] }

export interface GrantAnswer {
  access_token?: { value: string; manage: string; expires_in: number; access: object[] }
  continue: { access_token: { value: string }; uri: string; wait?: number }
  interact?: { redirect: string; finish: string }
  subject?: object
}

export interface InteractiveGrant {
  /** Id and nonce of the interaction. */
  id: string
  nonce: string
  continuePath: string
  /** The continuation token. */
  token: string
}

export function errorOf(answer: JsonAnswer): { code?: string; description: string } {
  return answer.json<{ error: { code?: string; description: string } }>().error
}

/** Status, code and description of a refusal: what the tables of the tests compare. */
export function refusalOf(answer: JsonAnswer): [number, string | undefined, string] {
  const { code, description } = errorOf(answer)
  return [answer.status, code, description]
}

export function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** The parties of a grant, as the tests play them. */
export interface GrantActors {
  /** The client asks for access. */
  ask(
    access: object[] | undefined,
    more?: object,
    options?: { by?: TestClient | null; headers?: Record<string, string>; tenantId?: string }
  ): Promise<JsonAnswer>
  askInteractively(options?: {
    interact?: object
    more?: object
    access?: object[] | undefined
  }): Promise<InteractiveGrant>
  /** The identity provider reads what is asked for, and tells the decision. */
  details(grant: InteractiveGrant, secret?: string): Promise<JsonAnswer>
  decide(grant: InteractiveGrant, choice: string, secret?: string): Promise<JsonAnswer>
  /** The browser starts, lets `between` happen, and finishes. */
  browse(
    grant: InteractiveGrant,
    between?: () => Promise<unknown>
  ): Promise<{ started: JsonAnswer; finished: JsonAnswer; cookie: string }>
  /** An interactive grant that the account holder has accepted, with the reference to continue it. */
  approve(
    options?: Parameters<GrantActors['askInteractively']>[0]
  ): Promise<InteractiveGrant & { interactRef: string }>
  /** The client continues its grant, or polls where no body is given. */
  continue(
    grant: Pick<InteractiveGrant, 'continuePath'> & { token?: string },
    body?: object,
    by?: TestClient | null
  ): Promise<JsonAnswer>
  /** A grant that needed no consent. */
  issue(access?: object[]): Promise<GrantAnswer & { token: string; managePath: string }>
  introspect(token: string, access?: object[]): Promise<JsonAnswer>
}

export function createGrantActors(harness: AuthHarness): GrantActors {
  const actors: GrantActors = {
    ask: (access, more = {}, { by, headers, tenantId = OPERATOR_ID } = {}) =>
      harness.signed({
        method: 'POST',
        path: `/${tenantId}`,
        body: {
          client: (by ?? harness.client).walletAddress,
          ...(access && { access_token: { access } }),
          ...more
        },
        ...(by !== undefined && { by }),
        ...(headers && { headers })
      }),
    async askInteractively({ interact = INTERACT, more = {}, access = [OUTGOING] } = {}) {
      const answer = await actors.ask(access.length === 0 ? undefined : access, { interact, ...more })
      const asked = answer.json<GrantAnswer>()
      if (!asked.interact) throw new Error(`the grant request was refused: ${answer.body.toString()}`)
      const [, , id, nonce] = new URL(asked.interact.redirect).pathname.split('/') as [
        string,
        string,
        string,
        string
      ]
      return { id, nonce, continuePath: pathOf(asked.continue.uri), token: asked.continue.access_token.value }
    },
    details: ({ id, nonce }, secret = IDP_SECRET) =>
      harness.send('interaction', 'GET', `/grant/${id}/${nonce}`, { headers: { 'x-idp-secret': secret } }),
    decide: ({ id, nonce }, choice, secret = IDP_SECRET) =>
      harness.send('interaction', 'POST', `/grant/${id}/${nonce}/${choice}`, {
        headers: { 'x-idp-secret': secret }
      }),
    async browse({ id, nonce }, between = async () => undefined) {
      const started = await harness.send('auth', 'GET', `/interact/${id}/${nonce}`)
      const cookie = [started.headers['set-cookie'] ?? []]
        .flat()
        .map((line) => line.split(';')[0])
        .join('; ')
      await between()
      const finished = await harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, {
        headers: { cookie }
      })
      return { started, finished, cookie }
    },
    async approve(options) {
      const grant = await actors.askInteractively(options)
      const { finished } = await actors.browse(grant, () => actors.decide(grant, 'accept'))
      const interactRef = new URL(finished.headers.location as string).searchParams.get('interact_ref')
      return { ...grant, interactRef: interactRef! }
    },
    continue: ({ continuePath, token }, body, by) =>
      harness.signed({
        method: 'POST',
        path: continuePath,
        ...(token !== undefined && { token }),
        ...(body && { body }),
        ...(by !== undefined && { by })
      }),
    async issue(access = [INCOMING]) {
      const granted = (await actors.ask(access)).json<GrantAnswer>()
      return {
        ...granted,
        token: granted.access_token!.value,
        managePath: pathOf(granted.access_token!.manage)
      }
    },
    introspect: (token, access) =>
      harness.send('introspection', 'POST', '/', { body: { access_token: token, ...(access && { access }) } })
  }
  return actors
}
