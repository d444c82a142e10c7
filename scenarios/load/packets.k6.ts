import { sha256 } from 'k6/crypto'
import http from 'k6/http'
import { decodeReply, encodePrepare } from './k6/ilp-packet.ts'
import { counted } from './k6/outcome.ts'
import { optionsOf, readSetting } from './k6/setting.ts'
import type { PacketTarget } from './k6/targets.ts'

/** Of the data, where the receiver finds what fulfils the packet. */
const PAYLOAD_BYTES = 100
const LIFETIME_MS = 30_000

const setting = readSetting<PacketTarget>()
export const options = optionsOf(setting)

const { senders, destination, amount, goodOutcome } = setting.target

export default function (): void {
  counted(goodOutcome, () => {
    const name = `${setting.stageId}/${__VU}/${__ITER}`
    const fulfillment = new Uint8Array(sha256(name, 'binary'))
    const executionCondition = new Uint8Array(sha256(fulfillment.buffer as ArrayBuffer, 'binary'))
    const data = new Uint8Array(PAYLOAD_BYTES)
    data.set(fulfillment)
    const prepare = encodePrepare({
      amount: BigInt(amount),
      expiresAtMs: Date.now() + LIFETIME_MS,
      executionCondition,
      destination,
      data
    })
    const { url, authToken } = senders[(__VU + __ITER) % senders.length]!
    const response = http.post(url, prepare.buffer as ArrayBuffer, {
      headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${authToken}` },
      responseType: 'binary',
      timeout: '35s'
    })
    if (response.status === 0) return `no answer: ${response.error}`
    if (response.status !== 200) return `HTTP ${response.status}`
    const reply = decodeReply(new Uint8Array(response.body as ArrayBuffer))
    if (reply.type === 'reject') return reply.code
    return reply.fulfillment.every((byte, index) => byte === fulfillment[index])
      ? 'fulfilled'
      : 'wrong fulfillment'
  })
}
