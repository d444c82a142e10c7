import { quoteFailures } from '../failures.ts'
import { isFailure } from '../model.ts'
import type { Quote, Quotes } from '../quotes/model.ts'
import { isUuid } from '../sql.ts'
import { parseAmount } from './amounts.ts'
import { refuse, refuseFailure } from './errors.ts'
import type { AuthorizedRequest, Handler, RequestOn } from './request.ts'
import { serializeQuote } from './serialize.ts'

/** Quotes on the resource server: `/:tenantId/quotes` and below. */
export function createQuoteHandlers({ quotes }: { quotes: Quotes }) {
  const create: Handler<AuthorizedRequest> = async ({ tenantId, walletAddress, client, body }) => {
    const { receiver, debitAmount, receiveAmount } = body as {
      receiver: string
      debitAmount?: unknown
      receiveAmount?: unknown
    }
    const debit = parseAmount(debitAmount)
    const receive = parseAmount(receiveAmount)
    if ((debitAmount !== undefined && !debit) || (receiveAmount !== undefined && !receive)) {
      return refuse(400, 'Could not parse amounts when creating quote')
    }
    const quote = await quotes.create({
      tenantId,
      walletAddressId: walletAddress.id,
      receiver,
      ...(debit && { debitAmount: debit }),
      ...(receive && { receiveAmount: receive }),
      client
    })
    if (isFailure(quote)) return refuseFailure(quoteFailures, quote)
    return {
      status: 201,
      body: serializeQuote(quote, { url: quotes.url(quote), walletAddressUrl: walletAddress.address })
    }
  }

  const get: Handler<RequestOn<Quote>> = async ({ resource, walletAddress, client, all }) => {
    if (!all && resource.client !== client) {
      return refuse(404, 'Quote does not exist')
    }
    return {
      status: 200,
      body: serializeQuote(resource, { url: quotes.url(resource), walletAddressUrl: walletAddress.address })
    }
  }

  const find = async (id: string, tenantId: string) =>
    isUuid(id) && isUuid(tenantId) ? quotes.get(id, tenantId) : undefined

  return { find, create, get }
}
