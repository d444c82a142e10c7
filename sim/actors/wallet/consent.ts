import type { HttpClient } from '../../../node/runtime/index.ts'
import { formatAmount } from '../../topology/amount.ts'

/**
 * The identity provider's side of a grant interaction: what the authorization server's back channel tells, as a
 * page on which a person accepts or declines, and the decision sent back.
 */
export interface ConsentDesk {
  page(query: URLSearchParams): Promise<{ status: number; html: string }>
  /** Tells the authorization server; the browser then goes to the address given. */
  decide(form: URLSearchParams): Promise<{ location: string } | { status: number; html: string }>
}

interface GrantDetails {
  grantId: string
  state: string
  access?: { type: string; actions: string[]; identifier?: string; limits?: Record<string, unknown> }[]
  subject?: { sub_ids: { id: string }[] }
}

export function createConsentDesk(
  http: HttpClient,
  {
    interactionUrl,
    authUrl,
    idpSecret,
    title
  }: { interactionUrl: string; authUrl: string; idpSecret: string; title: string }
): ConsentDesk {
  const headers = { 'x-idp-secret': idpSecret, accept: 'application/json' }
  const path = (id: string, nonce: string) => `${encodeURIComponent(id)}/${encodeURIComponent(nonce)}`

  return {
    async page(query) {
      const id = query.get('interactId') ?? ''
      const nonce = query.get('nonce') ?? ''
      const answer = await http.request({
        method: 'GET',
        url: `${interactionUrl}/grant/${path(id, nonce)}`,
        headers
      })
      if (answer.status !== 200)
        return { status: 404, html: document(title, '<p>This request is unknown or over.</p>') }
      const grant = JSON.parse(answer.body.toString('utf8')) as GrantDetails
      return { status: 200, html: document(title, question(grant, query)) }
    },
    async decide(form) {
      const id = form.get('interactId') ?? ''
      const nonce = form.get('nonce') ?? ''
      const choice = form.get('choice') === 'accept' ? 'accept' : 'reject'
      const url = `${interactionUrl}/grant/${path(id, nonce)}/${choice}`
      const answer = await http.request({ method: 'POST', url, headers })
      if (answer.status !== 202) {
        return { status: 409, html: document(title, '<p>This request can no longer be decided.</p>') }
      }
      return { location: `${authUrl}/interact/${path(id, nonce)}/finish` }
    }
  }
}

function question(grant: GrantDetails, query: URLSearchParams): string {
  const client = query.get('clientName') ?? 'Someone'
  const rows = (grant.access ?? []).map(
    ({ type, actions, identifier, limits }) =>
      `<li><strong>${escape(type)}</strong>: ${escape(actions.join(', '))}${identifier ? ` on ${escape(identifier)}` : ''}${describeLimits(limits)}</li>`
  )
  const hidden = (name: string) =>
    `<input type="hidden" name="${name}" value="${escape(query.get(name) ?? '')}">`
  return `<p><strong>${escape(client)}</strong> <small>(${escape(query.get('clientUri') ?? '')})</small> asks for:</p>
<ul>${rows.join('')}</ul>
<form method="post" action="/consent">${hidden('interactId')}${hidden('nonce')}
<button name="choice" value="accept">Accept</button> <button name="choice" value="reject" class="plain">Decline</button></form>`
}

function describeLimits(limits: Record<string, unknown> | undefined): string {
  const amount = (limits?.debitAmount ?? limits?.receiveAmount) as
    { value: string; assetCode: string; assetScale: number } | undefined
  if (!amount) return ''
  return `, up to ${escape(formatAmount(BigInt(amount.value), amount.assetScale))} ${escape(amount.assetCode)}`
}

function document(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1rem;color-scheme:light dark}
button{font:inherit;padding:.5rem 1.2rem;border-radius:.4rem;border:1px solid #06c;background:#06c;color:#fff;cursor:pointer}
button.plain{background:transparent;color:inherit;border-color:#888}</style>
<h1>${escape(title)}</h1>${body}</html>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
