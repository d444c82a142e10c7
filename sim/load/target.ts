import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { WrongUse } from '../commands/wrong-use.ts'

const url = z.url({ protocol: /^https?$/ })
const amount = z.string().regex(/^[1-9]\d{0,18}$/, 'must be minor units, as decimal text')
const admin = z.strictObject({ url, tenantId: z.string().min(1), secret: z.string() })

const target = z.strictObject({
  /** As the report calls it. */
  name: z.string().min(1),
  connector: z
    .strictObject({
      /** Where its peers send packets to: ILP over HTTP, or BTP with --transport btp. */
      url,
      /** Of the peer that the generator is. */
      authToken: z.string().min(1),
      /** An address behind the peer that the generator is, too: packets come back to `receiver`. */
      destination: z.string().min(1),
      amount: amount.default('1'),
      /** Where the connector reaches that peer: the port is listened on. */
      receiver: z.strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(1).max(65_535) }),
      /** Of a node with Rafiki's Admin API: its books are compared, too. */
      admin: admin.extend({ senderPeerId: z.string(), receiverPeerId: z.string() }).optional()
    })
    .optional(),
  payments: z
    .strictObject({
      admin,
      payerWalletAddressId: z.string().min(1),
      receiverUrl: url,
      receiveAmount: z.strictObject({
        value: amount,
        assetCode: z.string().min(1),
        assetScale: z.int().min(0).max(255)
      })
    })
    .optional()
})

/** Something that is already up, of whoever's: what is loaded instead of a network of ours. */
export type LoadTarget = z.infer<typeof target>

/**
 * Reads a target's description.
 *
 * @throws WrongUse saying what is wrong with it
 */
export function readTarget(file: string): LoadTarget {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new WrongUse(`--target: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new WrongUse(`--target: ${file} is no JSON: ${(error as Error).message}`)
  }
  const parsed = target.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new WrongUse(`--target: ${file}: ${issue!.path.join('.') || 'it'}: ${issue!.message}`)
}
