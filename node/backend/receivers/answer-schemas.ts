import { HttpMethod } from '@interledger/openapi'
import {
  getAuthServerOpenAPI,
  getResourceServerOpenAPI,
  getWalletAddressServerOpenAPI
} from '@interledger/open-payments'
import type { Amount } from '../model.ts'
import { parseAmount } from '../open-payments/amounts.ts'
import type { WireAmount } from '../open-payments/amounts.ts'
import { RemoteUnavailableError } from './signed-http.ts'
import type { JsonAnswer } from './signed-http.ts'

export interface WalletAddressAnswer {
  id: string
  assetCode: string
  assetScale: number
  authServer: string
  resourceServer: string
}

export interface IncomingPaymentAnswer {
  id: string
  walletAddress: string
  completed: boolean
  incomingAmount?: WireAmount
  receivedAmount: WireAmount
  expiresAt?: string
  metadata?: Record<string, unknown>
  createdAt: string
  methods?: { type: string; ilpAddress: string; sharedSecret: string }[]
}

/** With `interact` a person would have to be asked: an answer that this client has no use for. */
export interface GrantAnswer {
  access_token?: TokenAnswer
  interact?: { redirect: string }
}

export interface TokenAnswer {
  value: string
  manage: string
  expires_in?: number
}

/**
 * What other nodes answer, held to the OpenAPI documents of Open Payments: each function returns the body, or
 * throws RemoteUnavailableError naming what does not fit.
 */
export interface AnswerSchemas {
  walletAddress(answer: JsonAnswer, url: string): WalletAddressAnswer
  publicIncomingPayment(answer: JsonAnswer, url: string): { authServer: string }
  incomingPayment(answer: JsonAnswer, url: string): IncomingPaymentAnswer
  createdIncomingPayment(answer: JsonAnswer, url: string): IncomingPaymentAnswer
  completedIncomingPayment(answer: JsonAnswer, url: string): IncomingPaymentAnswer
  grant(answer: JsonAnswer, url: string): GrantAnswer
  rotatedToken(answer: JsonAnswer, url: string): { access_token: TokenAnswer }
}

export async function loadAnswerSchemas(): Promise<AnswerSchemas> {
  const [resources, walletAddresses, grants] = await Promise.all([
    getResourceServerOpenAPI(),
    getWalletAddressServerOpenAPI(),
    getAuthServerOpenAPI()
  ])
  const schema = <Body>(openApi: typeof resources, method: HttpMethod, path: string) => {
    const validate = openApi.createResponseValidator<Body>({ path, method })
    return (answer: JsonAnswer, url: string): Body => {
      try {
        validate(answer as { status: number; body: Body })
      } catch (error) {
        throw unfit(url, firstMessage(error))
      }
      return answer.body as Body
    }
  }
  const { GET, POST } = HttpMethod
  const anyIncomingPayment = schema<Partial<IncomingPaymentAnswer> & { authServer?: string }>(
    resources,
    GET,
    '/incoming-payments/{id}'
  )
  const created = schema<IncomingPaymentAnswer>(resources, POST, '/incoming-payments')
  const completed = schema<IncomingPaymentAnswer>(resources, POST, '/incoming-payments/{id}/complete')

  return {
    walletAddress: schema(walletAddresses, GET, '/'),
    publicIncomingPayment(answer, url) {
      const { authServer } = anyIncomingPayment(answer, url)
      if (authServer === undefined) throw unfit(url, "must have required property 'authServer'")
      return { authServer }
    },
    incomingPayment(answer, url) {
      const body = anyIncomingPayment(answer, url)
      // The schema also admits the public view, which says too little to pay by.
      if (body.id === undefined || body.methods === undefined) {
        throw unfit(url, 'must be an incoming payment with its payment methods')
      }
      return checked(body as IncomingPaymentAnswer, url)
    },
    createdIncomingPayment: (answer, url) => checked(created(answer, url), url),
    completedIncomingPayment: (answer, url) => checked(completed(answer, url), url),
    grant: schema(grants, POST, '/'),
    rotatedToken: schema(grants, POST, '/token/{id}')
  }
}

/** What JSON Schema does not say: amounts of at most 64 bits, and of one asset. */
function checked(answer: IncomingPaymentAnswer, url: string): IncomingPaymentAnswer {
  const received = amountOf(answer.receivedAmount, 'receivedAmount', url)
  const incoming =
    answer.incomingAmount === undefined ? undefined : amountOf(answer.incomingAmount, 'incomingAmount', url)
  if (
    incoming &&
    (incoming.assetCode !== received.assetCode || incoming.assetScale !== received.assetScale)
  ) {
    throw unfit(url, 'incomingAmount and receivedAmount are of different assets')
  }
  return answer
}

/** @throws RemoteUnavailableError where the amount does not fit 64 bits */
export function amountOf(wire: WireAmount, field: string, url: string): Amount {
  const amount = parseAmount(wire)
  if (!amount) throw unfit(url, `${field} is not an unsigned 64-bit amount`)
  return amount
}

function unfit(url: string, what: string): RemoteUnavailableError {
  return new RemoteUnavailableError(`the answer of ${url} does not fit Open Payments: ${what}`)
}

function firstMessage(error: unknown): string {
  const { errors } = error as { errors?: { message?: string }[] }
  return errors?.[0]?.message ?? String(error)
}
