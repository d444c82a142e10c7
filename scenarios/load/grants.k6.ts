import http from 'k6/http'
import type { RefinedResponse, ResponseType } from 'k6/http'
import { signRequest } from './k6/http-signature.ts'
import type { RequestToSign } from './k6/http-signature.ts'
import { counted } from './k6/outcome.ts'
import { optionsOf, readSetting } from './k6/setting.ts'
import { createSigner } from './k6/signer.ts'
import type { GrantTarget, IssuedGrant } from './k6/targets.ts'

const setting = readSetting<GrantTarget>()
export const options = optionsOf(setting)

const { client, receiver } = setting.target
const signer = createSigner(client.key)

/** A grant that needs nobody's consent: asked for, used once, revoked. */
export default function (): void {
  counted('used and revoked', () => {
    const { access_token, ...grant } = send(200, {
      method: 'POST',
      url: receiver.authServer,
      body: JSON.stringify({
        access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] },
        client: client.walletAddressUrl
      })
    }).json() as unknown as IssuedGrant
    send(201, {
      method: 'POST',
      url: `${receiver.resourceServer}/incoming-payments`,
      authorization: `GNAP ${access_token.value}`,
      body: JSON.stringify({ walletAddress: receiver.id })
    })
    send(204, {
      method: 'DELETE',
      url: grant.continue.uri,
      authorization: `GNAP ${grant.continue.access_token.value}`
    })
    return 'used and revoked'
  })
}

/** @throws Error where the answer has another status */
function send(expected: number, request: RequestToSign): RefinedResponse<ResponseType | undefined> {
  const { method, url, body } = request
  const response = http.request(method, url, body ?? null, {
    headers: signRequest(request, signer),
    timeout: '30s'
  })
  if (response.status === expected) return response
  throw new Error(
    response.status === 0 ? `no answer: ${response.error}` : `${method}: HTTP ${response.status}`
  )
}
