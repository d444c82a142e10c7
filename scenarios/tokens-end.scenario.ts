import { isFinalizedGrantWithAccessToken, OpenPaymentsClientError } from '@interledger/open-payments'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Tokens are replaced, revoked and grow old: each opens what it is for, and nothing after its end',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  reaches: ['a new token was good', 'a token was good until its end'],
  async run({ net, random, always, sometimes, does }) {
    const alice = net.wallet('alice@acacia')
    const client = await alice.client()
    const { authServer, resourceServer } = await client.walletAddress.get({ url: alice.url })

    async function newToken() {
      const grant = await client.grant.request(
        { url: authServer },
        { access_token: { access: [{ type: 'incoming-payment', actions: ['create'] }] } }
      )
      if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant is pending')
      return grant.access_token
    }

    /** Whether a token makes an incoming payment. */
    async function opens({ value: accessToken }: { value: string }): Promise<boolean> {
      try {
        await client.incomingPayment.create(
          { url: resourceServer, accessToken },
          { walletAddress: alice.url }
        )
        return true
      } catch (error) {
        if (!(error instanceof OpenPaymentsClientError) || ![401, 403].includes(error.status ?? 0))
          throw error
        return false
      }
    }

    const first = await newToken()
    always('a token opens what it is for', await opens(first))
    does('the client puts another token in the place of the first')
    const second = (await client.token.rotate({ url: first.manage, accessToken: first.value })).access_token
    always('a token that was replaced opens nothing', !(await opens(first)))
    sometimes('a new token was good', await opens(second))
    does('the client revokes the second')
    await client.token.revoke({ url: second.manage, accessToken: second.value })
    always('a token that was revoked opens nothing', !(await opens(second)))

    const last = await newToken()
    const lifetimeMs = last.expires_in! * 1_000
    const earlyMs = random.integer(1_000, 5_000)
    await net.sleep(lifetimeMs - earlyMs)
    sometimes('a token was good until its end', await opens(last))
    does('a token is used when its time is over')
    await net.sleep(earlyMs + random.integer(0, 5_000))
    always('a token that is too old opens nothing', !(await opens(last)))
  }
})
