import { createHmac } from 'node:crypto'
import {
  conditionOf,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf,
  StreamMoneyFrame,
  StreamPacketType
} from '../node/ilp/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

/** RFC 39: version, nonce, stream, total received, and the HMAC of them. */
const RECEIPT = { bytes: 58, totalAt: 18, signedBytes: 26 }

export default scenario({
  title:
    'A wallet address is paid by SPSP with receipts: each proves the total to who knows the secret, and no more than came',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 100_000n })
    const alice = net.wallet('alice@acacia')
    const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.integer(0, 255)))
    const [nonce, secret] = [bytes(16), bytes(32)]
    const ask = (headers: Record<string, string>) =>
      net.http.request({
        method: 'GET',
        url: alice.url,
        headers: { accept: 'application/spsp4+json', ...headers }
      })
    const encoded = { 'receipt-nonce': nonce.toString('base64'), 'receipt-secret': secret.toString('base64') }
    const halves = await ask({ 'receipt-nonce': encoded['receipt-nonce'] })
    always('a nonce without a secret is refused', halves.status === 400)
    const answer = JSON.parse((await ask(encoded)).body.toString()) as {
      destination_account: string
      shared_secret: string
      receipts_enabled: boolean
    }
    always('receipts are promised', answer.receipts_enabled)
    const destination = answer.destination_account
    const keys = deriveStreamKeys(Buffer.from(answer.shared_secret, 'base64url'))

    let sequence = 0
    const sendMoney = async (amount: bigint, least = amount) => {
      sequence += 1
      const prepare = {
        ...{ sequence: BigInt(sequence), type: StreamPacketType.PREPARE, prepareAmount: least },
        frames: [new StreamMoneyFrame(1, 1)]
      }
      const data = encryptStreamPacket(keys, prepare, { bytes })
      const condition = conditionOf(fulfillmentOf(keys, data))
      const reply = await yak.send({ destination, amount, data, condition })
      const words = decryptStreamPacket(keys, reply.data)
      always('the receiver answers in words of STREAM', words !== undefined)
      const frames = words!.frames as unknown as { name?: string; receipt?: Buffer }[]
      const receipt = frames.find(({ receipt }) => receipt !== undefined)?.receipt
      return { isPaid: reply.type === 'fulfill', receipt: receipt && read(receipt) }
    }
    const read = (receipt: Buffer): bigint | undefined => {
      const signed = receipt.subarray(0, RECEIPT.signedBytes)
      const mac = createHmac('sha256', secret).update(signed).digest()
      const isGenuine =
        receipt.length === RECEIPT.bytes &&
        receipt.subarray(RECEIPT.signedBytes).equals(mac) &&
        receipt.subarray(1, 17).equals(nonce)
      return isGenuine ? receipt.readBigUInt64BE(RECEIPT.totalAt) : undefined
    }

    let total = 0n
    const payments = random.integer(2, 5)
    for (let index = 0; index < payments; index++) {
      const amount = BigInt(random.integer(1, 5_000))
      does(`yak sends ${amount} to alice`)
      const { isPaid, receipt } = await sendMoney(amount)
      total += amount
      always('an honest peer’s packet is paid', isPaid)
      always('its receipt proves all that came', receipt === total)
    }
    does('yak sends 10, of which 11 have to arrive')
    const refused = await sendMoney(10n, 11n)
    always('what is refused is in no receipt', !refused.isPaid && (refused.receipt ?? total) === total)

    const acacia = net.node('acacia')
    await acacia.kill('backend')
    await acacia.restart('backend')
    does('yak sends 7 to alice')
    const again = await sendMoney(7n)
    always('a node that started again remembers the total', again.isPaid && again.receipt === total + 7n)
    always('what receipts prove is booked', (await yak.liquidity()) === 100_000n - total - 7n)
  }
})
