/** A step of a payment: how many HTTP round trips and durable commits no implementation of the protocols gets by without. */
export interface Need {
  step: string
  roundTrips: number
  commits: number
}

/**
 * What one payment of a single packet between two nodes needs, as Open Payments, GNAP, ILP over HTTP and the
 * webhooks lay it down, with tokens already at hand. It is what the limit for comparison makes bare.
 */
export const NEEDS: readonly Need[] = [
  { step: 'the wallet asks for a receiver', roundTrips: 1, commits: 0 },
  { step: 'its wallet address is read', roundTrips: 1, commits: 0 },
  { step: 'it is created; its node asks for the token and the key', roundTrips: 3, commits: 1 },
  { step: 'the wallet asks for a quote', roundTrips: 1, commits: 1 },
  { step: 'the path is measured', roundTrips: 3, commits: 0 },
  { step: 'the wallet makes the payment', roundTrips: 1, commits: 1 },
  { step: 'webhook: created', roundTrips: 1, commits: 1 },
  { step: 'the wallet deposits: state, deposit', roundTrips: 1, commits: 2 },
  { step: 'a lease, and the attempt before its first packet', roundTrips: 0, commits: 2 },
  { step: 'the receiver is read; its node asks for the token and the key', roundTrips: 3, commits: 0 },
  { step: 'the packet, reserved and posted on both nodes', roundTrips: 1, commits: 4 },
  { step: 'both payments are completed', roundTrips: 0, commits: 2 },
  { step: 'webhook: completed', roundTrips: 1, commits: 1 },
  { step: 'the wallet withdraws what is left', roundTrips: 1, commits: 1 },
  { step: 'webhooks of the receiver: created, completed', roundTrips: 2, commits: 3 },
  { step: 'the receiver’s wallet withdraws', roundTrips: 1, commits: 1 }
]
