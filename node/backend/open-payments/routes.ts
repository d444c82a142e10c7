import type { WalletAddresses } from '../wallet-addresses/model.ts'
import type { AccessAction, AccessType } from './authorize.ts'
import type { createIncomingPaymentHandlers } from './incoming-payments.ts'
import type { createOutgoingPaymentHandlers } from './outgoing-payments.ts'
import type { createQuoteHandlers } from './quotes.ts'
import type { Answer, AuthorizedRequest, Handler, RequestOn, ResourceRequest } from './request.ts'

/** What a request is about: whose wallet address must allow it, and how it is answered once it is allowed. */
export interface Subject {
  walletAddressUrl: string
  answer: Handler<AuthorizedRequest>
  /** What anybody may see without an access token. */
  answerPublic?: () => Promise<Answer>
}

export interface ResourceRoute {
  method: 'get' | 'post'
  /** The path of our URLs. The OpenAPI document has it without the tenant. */
  path: `/:tenantId/${string}`
  /** What the access token must allow. */
  access: [AccessType, AccessAction]
  /** Undefined: there is no such resource. */
  subject(request: ResourceRequest): Promise<Subject | undefined>
}

export interface RouteHandlers {
  incomingPayments: ReturnType<typeof createIncomingPaymentHandlers>
  quotes: ReturnType<typeof createQuoteHandlers>
  outgoingPayments: ReturnType<typeof createOutgoingPaymentHandlers>
  walletAddresses: Pick<WalletAddresses, 'get'>
}

/** The routes of the resource server that need an access token (Open Payments, resource server). */
export function resourceRoutes(handlers: RouteHandlers): ResourceRoute[] {
  const { incomingPayments, quotes, outgoingPayments, walletAddresses } = handlers
  const { inBody, inQuery, stored } = createSubjects(walletAddresses)

  return [
    {
      method: 'post',
      path: '/:tenantId/incoming-payments',
      access: ['incoming-payment', 'create'],
      subject: inBody(incomingPayments.create)
    },
    {
      method: 'get',
      path: '/:tenantId/incoming-payments',
      access: ['incoming-payment', 'list'],
      subject: inQuery(incomingPayments.list)
    },
    {
      method: 'get',
      path: '/:tenantId/incoming-payments/:id',
      access: ['incoming-payment', 'read'],
      subject: stored(incomingPayments.find, incomingPayments.get, incomingPayments.getPublic)
    },
    {
      method: 'post',
      path: '/:tenantId/incoming-payments/:id/complete',
      access: ['incoming-payment', 'complete'],
      subject: stored(incomingPayments.find, incomingPayments.complete)
    },
    {
      method: 'post',
      path: '/:tenantId/quotes',
      access: ['quote', 'create'],
      subject: inBody(quotes.create)
    },
    {
      method: 'get',
      path: '/:tenantId/quotes/:id',
      access: ['quote', 'read'],
      subject: stored(quotes.find, quotes.get)
    },
    {
      method: 'post',
      path: '/:tenantId/outgoing-payments',
      access: ['outgoing-payment', 'create'],
      subject: inBody(outgoingPayments.create)
    },
    {
      method: 'get',
      path: '/:tenantId/outgoing-payments',
      access: ['outgoing-payment', 'list'],
      subject: inQuery(outgoingPayments.list)
    },
    {
      method: 'get',
      path: '/:tenantId/outgoing-payments/:id',
      access: ['outgoing-payment', 'read'],
      subject: stored(outgoingPayments.find, outgoingPayments.get)
    }
  ]
}

/** Where a request names its wallet address: in the body, in the query, or by the resource it asks for. */
function createSubjects(walletAddresses: Pick<WalletAddresses, 'get'>) {
  type FindSubject = ResourceRoute['subject']

  const inBody =
    (answer: Handler<AuthorizedRequest>): FindSubject =>
    async ({ body }) => ({ walletAddressUrl: (body as { walletAddress: string }).walletAddress, answer })

  const inQuery =
    (answer: Handler<AuthorizedRequest>): FindSubject =>
    async ({ query }) => ({ walletAddressUrl: String(query['wallet-address']), answer })

  const stored =
    <Resource extends { walletAddressId: string }>(
      find: (id: string, tenantId: string) => Promise<Resource | undefined>,
      answer: Handler<RequestOn<Resource>>,
      answerPublic?: (resource: Resource) => Promise<Answer>
    ): FindSubject =>
    async ({ params, tenantId }) => {
      const resource = await find(params.id ?? '', tenantId)
      const walletAddress = resource && (await walletAddresses.get(resource.walletAddressId))
      if (!resource || !walletAddress) return undefined
      return {
        walletAddressUrl: walletAddress.address,
        answer: (request) => answer({ ...request, resource }),
        ...(answerPublic && { answerPublic: () => answerPublic(resource) })
      }
    }

  return { inBody, inQuery, stored }
}
