/** What an outgoing payment's `error` means, and what can be done about it. */
export interface FailureWords {
  meaning: string
  remedy: string
}

const AGAIN = 'The payer may pay again: with a new quote, for what was not delivered.'

const WORDS: Readonly<Record<string, FailureWords>> = {
  QuoteExpired: {
    meaning: 'The deposit came after the quote’s time was over, so nothing was sent.',
    remedy: 'Pay again with a new quote, and deposit before it expires.'
  },
  DestinationAssetConflict: {
    meaning: 'The receiver’s incoming payment is in another asset than the quote was made for.',
    remedy: 'Pay again: a new quote is made for the asset as it is now.'
  },
  BadState: {
    meaning: 'Nothing is left to send, and what was promised is not delivered.',
    remedy: 'Compare the transfers below with what the receiver has; the log has the figures.'
  },
  ReceiverUnavailable: {
    meaning: 'The receiver’s node did not answer, or refused, in all attempts.',
    remedy: 'Check that its address can be reached from here. ' + AGAIN
  },
  Unauthorized: {
    meaning: 'The receiver’s node gives no access to the incoming payment.',
    remedy: 'Check this node’s own wallet address and its keys, which it signs requests with. ' + AGAIN
  },
  InsufficientLiquidity: {
    meaning: 'The liquidity of the receiver’s asset on this node does not cover the payment.',
    remedy: 'Deposit liquidity to that asset. ' + AGAIN
  },
  InsufficientBalance: {
    meaning: 'The payment’s own account does not cover it.',
    remedy: 'Compare its deposit with its debit amount in the transfers below.'
  },
  ClosedByReceiver: {
    meaning: 'The receiver closed before everything had arrived: it was completed, expired or was cancelled.',
    remedy: 'Ask the payee for a new incoming payment for the rest.'
  },
  ConnectorError: {
    meaning: 'A node on the way refused packets for good, or again and again.',
    remedy:
      'The log names the node and its reason: often a peer without liquidity, or a route that is missing. ' +
      AGAIN
  },
  EstablishmentFailed: {
    meaning: 'No packet reached the receiver.',
    remedy: 'Check the route to the receiver’s node: the peer, its tokens and its liquidity. ' + AGAIN
  },
  InsufficientExchangeRate: {
    meaning: 'The way delivers less than the quote promised: rates moved by more than the slippage allows.',
    remedy: 'Pay again at today’s rate. If it repeats, compare this node’s rates with its peers’.'
  },
  RateProbeFailed: {
    meaning: 'The way’s rate could not be measured.',
    remedy: 'Check the route to the receiver’s node and the exchange rates. ' + AGAIN
  },
  IdleTimeout: {
    meaning: 'Nothing was delivered for too long.',
    remedy: 'Check the peers on the way, their liquidity above all. ' + AGAIN
  },
  MaxSafeEncryptionLimit: {
    meaning: 'The connection to the receiver has sent as many packets as is safe.',
    remedy: 'The packets on this way are very small: check the peers’ maximum packet amounts. ' + AGAIN
  },
  PacketsInDoubt: {
    meaning: 'Answers to packets were lost: it is not known whether they arrived.',
    remedy: 'Compare with the receiver before anybody pays again; the log lists the packets.'
  },
  InternalError: {
    meaning: 'Something that was not foreseen went wrong on this node.',
    remedy: 'The log has its cause.'
  }
}

/** The codes that have words. */
export const FAILURE_CODES: readonly string[] = Object.keys(WORDS)

/** Words for an error; a receiver that declines may say anything, which is shown as it is. */
export function failureWords(error: string): FailureWords {
  return (
    WORDS[error] ?? {
      meaning: 'The receiver declined the payment with these words.',
      remedy: 'Ask the payee what is needed. ' + AGAIN
    }
  )
}
