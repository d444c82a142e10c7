import type { Mutant } from '../model.ts'

/** Planted bugs of STREAM: receiver, sender, and what they count. */
export const streamMutants: readonly Mutant[] = [
  {
    name: 'total-from-lost-cache',
    breaks:
      'what a connection received is told from a cache that was lost: after a restart it starts at nothing',
    edits: [
      {
        file: 'node/backend/connector/connection-totals.ts',
        find: `    await readFromLedger(connection)
    connection.own = connection.read.get(processTag) ?? 0n
`,
        replace: ''
      }
    ],
    expects: ['always: a total never shrinks'],
    searches: [{ search: 'packets' }, { scenario: 'stream-receiver' }]
  },
  {
    name: 'minimum-not-checked-by-receiver',
    breaks: 'the receiver takes a packet that brought less than the sender demands',
    edits: [
      {
        file: 'node/ilp/stream/receiver.ts',
        find: 'isFulfillable && prepare.amount >= packet.prepareAmount && wrongStream === undefined && !isClosing',
        replace: 'isFulfillable && wrongStream === undefined && !isClosing'
      }
    ],
    expects: ['what was delivered has arrived', 'always: less than the minimum', 'minimum rate'],
    searches: [{ search: 'packets' }, { scenario: 'stream-receiver' }]
  },
  {
    name: 'minimum-not-demanded',
    breaks: 'the sender demands no minimum: a rate that falls in the middle of a payment costs the payer',
    edits: [
      {
        file: 'node/ilp/stream/sender.ts',
        find: '    const minimum = maxOf(account.minimumFor(source), wanted)',
        replace: '    const minimum = maxOf(0n, wanted)'
      }
    ],
    expects: ['always: never below the minimum rate', 'minimum rate'],
    searches: [{ search: 'packets' }, { scenario: 'rate-falls-in-flight' }]
  },
  {
    name: 'minimum-rate-per-packet',
    breaks: 'the minimum rate is demanded of each packet, rounded up: small ones are refused for ever',
    edits: [
      {
        file: 'node/ilp/stream/account.ts',
        find: '      const owed = (sent + source) * numerator - delivered * denominator + heldShortfall',
        replace: '      const owed = source * numerator'
      }
    ],
    expects: ['payment', 'liveness'],
    searches: [{ scenario: 'packet-limit-lowered' }]
  },
  {
    name: 'receiver-accepts-after-expiry',
    breaks: 'an incoming payment takes money after it expired',
    edits: [
      {
        file: 'node/backend/incoming-payments/delivery-targets.ts',
        find: 'return target.isHeld || !isOpen(target.state) || clock.nowMs() >= target.expiresAtMs',
        replace: "return target.isHeld || target.state === 'COMPLETED'"
      }
    ],
    expects: ['always: nothing comes after the end', 'receiving'],
    searches: [{ scenario: 'receiver-ends' }]
  },
  {
    name: 'receiver-accepts-after-complete',
    breaks: 'an incoming payment takes money after it was completed',
    edits: [
      {
        file: 'node/backend/incoming-payments/delivery-targets.ts',
        find: 'return target.isHeld || !isOpen(target.state) || clock.nowMs() >= target.expiresAtMs',
        replace: 'return target.isHeld || clock.nowMs() >= target.expiresAtMs'
      }
    ],
    expects: ['always: nothing comes after the end', 'receiving'],
    searches: [{ scenario: 'receiver-ends' }]
  },
  {
    name: 'rejected-counted-as-delivered',
    breaks: 'the sender counts what it demanded of a packet as delivered though the packet was rejected',
    edits: [
      {
        file: 'node/ilp/stream/sender.ts',
        find: '      account.release(hold)\n      onRejected(flight, reply, stream)',
        replace: '      account.settle(hold, hold.minimum)\n      onRejected(flight, reply, stream)'
      }
    ],
    expects: ['what was sent is what is posted', 'always: the receiver has'],
    searches: [{ search: 'packets' }, { scenario: 'packet-limit-lowered' }]
  }
]
