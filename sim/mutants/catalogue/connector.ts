import type { Mutant } from '../model.ts'

/** Planted bugs of the packet pipeline and of what is booked for packets. */
export const connectorMutants: readonly Mutant[] = [
  {
    name: 'expiry-not-reduced',
    breaks: 'the next hop gets the whole life of a packet: no time is left to carry its answer back',
    edits: [
      {
        file: 'node/backend/connector/steps/expiry.ts',
        find: 'Math.min(expiresAtMs - limits.minMessageWindowMs, nowMs + limits.maxHoldTimeMs)',
        replace: 'Math.min(expiresAtMs, nowMs + limits.maxHoldTimeMs)'
      }
    ],
    expects: ['the expiry is reduced', 'always: the next hop has a second less', 'P3', 'P5'],
    searches: [{ search: 'packets' }, { scenario: 'packet-expiry' }]
  },
  {
    name: 'expiry-not-checked',
    breaks: 'a packet with too little life left is reserved and forwarded',
    edits: [
      {
        file: 'node/backend/connector/steps/expiry.ts',
        find: 'return packet.outgoingExpiresAtMs - nowMs < limits.minMessageWindowMs ? tooSoon() : undefined',
        replace: 'return undefined'
      }
    ],
    expects: [
      'an expired packet is not sent',
      'always: a packet with too little life left goes nowhere',
      'P3',
      'P5'
    ],
    searches: [{ search: 'packets' }, { scenario: 'packet-expiry' }]
  },
  {
    name: 'answer-after-expiry-accepted',
    breaks: "a Fulfill that comes after the packet's outgoing expiry is booked and passed on",
    edits: [
      {
        file: 'node/backend/connector/steps/send.ts',
        find: `      isExpired = true
      resolve({ kind: 'expired' })
    })`,
        replace: '    })'
      },
      {
        file: 'node/backend/connector/steps/send.ts',
        find: 'if (isExpired || clock.nowMs() >= expiresAtMs) {',
        replace: 'if (isExpired) {'
      }
    ],
    expects: [
      'answered in time',
      'only a Fulfill in time is posted',
      'always: a Fulfill after the expiry is none',
      'P5',
      'P3'
    ],
    searches: [{ search: 'packets' }, { scenario: 'packet-expiry' }]
  },
  {
    name: 'fulfillment-not-hashed',
    breaks: 'any 32 bytes count as the fulfillment: a peer is paid for what it never delivered',
    edits: [
      {
        file: 'node/backend/connector/steps/send.ts',
        find: '  if (fulfills(reply.fulfillment, packet.prepare.executionCondition)) return undefined',
        replace: "  if (reply.type === 'fulfill') return undefined"
      }
    ],
    expects: ['always: a wrong fulfillment', 'P1'],
    searches: [{ search: 'packets' }, { scenario: 'packet-answers' }]
  },
  {
    name: 'void-forgotten-on-broken-connection',
    breaks:
      'what was reserved for a packet whose connection broke is not voided: it lapses with the ledger’s timeout',
    edits: [
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: '    if (remainingMs > 0) await context.clock.sleep(remainingMs, context.stopped)',
        replace: '    if (remainingMs > 0) return'
      }
    ],
    expects: ['nothing stays reserved', 'always: what was reserved is free'],
    searches: [{ search: 'packets' }, { scenario: 'packet-answers' }]
  },
  {
    name: 'void-forgotten-on-throw',
    breaks: 'what was reserved for a packet is kept where a step throws',
    edits: [
      {
        file: 'node/backend/connector/steps/send.ts',
        find: "      recordOrphan(packet, context, 'answer_lost', false)\n",
        replace:
          "      if (outcome.reason.includes('is no packet')) throw new Error(outcome.reason)\n      recordOrphan(packet, context, 'answer_lost', false)\n"
      },
      {
        file: 'node/backend/connector/pipeline.ts',
        find: '    answer = answerForError(packet, context, steps[index], error)',
        replace: '    answer = answerForError(packet, context, steps[index], error)\n    index = 0'
      }
    ],
    expects: [
      'nothing stays reserved',
      'always: what was reserved is free',
      'always: every packet is answered',
      'liveness'
    ],
    searches: [{ search: 'packets' }, { scenario: 'packet-answers' }]
  },
  {
    name: 'void-forgotten-at-expiry',
    breaks: 'what was reserved for a packet that expired is not voided: it lapses with the ledger’s timeout',
    edits: [
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: "if (answer.type === 'fulfill' || packet.unsettled !== undefined) return\n",
        replace:
          "if (answer.type === 'fulfill' || packet.unsettled !== undefined || packet.exchange?.kind === 'expired') return\n"
      }
    ],
    expects: ['nothing stays reserved', 'always: what was reserved is free'],
    searches: [{ search: 'packets' }, { scenario: 'packet-expiry' }]
  },
  {
    name: 'reservation-never-voided',
    breaks:
      'what was reserved for a packet that is rejected is never voided (real Rafiki leaves it to the timeout)',
    edits: [
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: "if (answer.type === 'fulfill' || packet.unsettled !== undefined) return\n",
        replace: 'return\n'
      }
    ],
    expects: ['nothing stays reserved', 'always: what was reserved is free', 'liveness: nothing is reserved'],
    searches: [{ search: 'packets' }, { scenario: 'packet-answers' }]
  },
  {
    name: 'post-error-ignored',
    breaks: 'a Fulfill is passed on though the ledger did not answer whether it is booked',
    edits: [
      {
        file: 'node/backend/connector/books.ts',
        find: "      const outcome = await submitUntilKnown(secondPhase(booking, 'post', userData64))\n      if (outcome === true) return true",
        replace:
          "      const outcome = await submitOnce(secondPhase(booking, 'post', userData64))\n      if (outcome.kind !== 'refused') return true"
      }
    ],
    expects: ['always: what is fulfilled is booked', 'P1', 'P2'],
    searches: [{ search: 'packets' }, { scenario: 'ledger-silent' }]
  },
  {
    name: 'fulfill-after-ledger-timeout',
    breaks:
      'a Fulfill within the packet’s expiry but after the ledger’s timeout is passed on unbooked (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: 'return Math.max(limits.minReservationTimeoutS, lifetimeS + limits.reservationMarginS)',
        replace: 'return lifetimeS > 0 ? limits.minReservationTimeoutS : 0'
      },
      {
        file: 'node/backend/connector/steps/post.ts',
        find: "if (result !== undefined) return rejectPacket(packet, 'T00', 'the ledger refused to post')",
        replace: 'if (result !== undefined) return fulfill'
      }
    ],
    expects: [
      'no service fails unexpectedly',
      'nothing stays reserved',
      'always: what is fulfilled is booked',
      'P1',
      'P2'
    ],
    searches: [{ search: 'packets' }, { scenario: 'packet-held' }]
  },
  {
    name: 'booking-repeated-with-new-id',
    breaks:
      'a delivery whose booking was not answered is booked again under another id: the receiver has it twice',
    edits: [
      {
        file: 'node/backend/connector/steps/deliver.ts',
        find: `    await clock.sleep(limits.ledgerRetryMs, context.stopped)
    outcome = await books.book(booking, startBeforeMs)`,
        replace: `    await clock.sleep(limits.ledgerRetryMs, context.stopped)
    outcome = await books.book(createBooking(booking.legs, context.random.orderedId(), booking.tags), startBeforeMs)`
      },
      {
        file: 'node/backend/connector/steps/deliver.ts',
        find: "import { createDelivery, legsBetween } from '../books.ts'",
        replace: "import { createBooking, createDelivery, legsBetween } from '../books.ts'"
      }
    ],
    expects: ['always: the receiver has what was sent', 'receiving'],
    searches: [{ search: 'packets' }, { scenario: 'ledger-silent' }]
  },
  {
    name: 'second-leg-missing',
    breaks: 'of a packet that changes currency only the first leg is reserved',
    edits: [
      {
        file: 'node/backend/connector/books.ts',
        find: 'reserve: (booking, startBeforeMs) => submitOnce(firstPhase(booking, true), { startBeforeMs }),',
        replace:
          'reserve: (booking, startBeforeMs) => submitOnce(firstPhase({ ...booking, legs: booking.legs.slice(0, 1) }, true), { startBeforeMs }),'
      }
    ],
    expects: ['reserved before it is sent', 'always: an honest peer is paid', 'P3', 'payment', 'liveness'],
    searches: [{ search: 'packets' }, { scenario: 'packet-amounts' }]
  },
  {
    name: 'zero-amount-booked',
    breaks: 'a packet of amount 0 is booked',
    edits: [
      {
        file: 'node/backend/connector/connector.ts',
        find: "isFreeOfMoney: prepare.amount === 0n || (source.kind === 'local' && source.packet.isProbe),",
        replace: "isFreeOfMoney: source.kind === 'local' && source.packet.isProbe,"
      }
    ],
    expects: ['no money, no booking', 'always: a packet of amount 0'],
    searches: [{ search: 'packets' }, { scenario: 'packet-amounts' }]
  },
  {
    name: 'duplicate-prepare-forwarded',
    breaks: 'a Prepare that a peer repeats while it is in flight is forwarded, and paid, twice',
    edits: [
      {
        file: 'node/backend/connector/steps/duplicates.ts',
        find: '  if (inFlightExpiresAtMs === undefined) {',
        replace: '  if (inFlightExpiresAtMs !== null) {'
      }
    ],
    expects: ['a condition in flight is refused', 'always: a repeated Prepare'],
    searches: [{ search: 'packets' }, { scenario: 'packet-held' }]
  },
  {
    name: 't05-bucket-shared',
    breaks: 'all peers share one bucket of packets per second: one takes the others’ share',
    edits: [
      {
        file: 'node/backend/connector/steps/admission.ts',
        find: 'return usages.of(peer.id).takePacket(peer) ? undefined : shed(packet, TOO_FAST)',
        replace: "return usages.of('all').takePacket(peer) ? undefined : shed(packet, TOO_FAST)"
      }
    ],
    expects: ['always: a peer’s rate is its own'],
    searches: [{ search: 'packets' }, { scenario: 'packet-routes' }]
  },
  {
    name: 'reject-becomes-fulfill',
    breaks: 'a packet that the next hop rejects is booked as if it had been fulfilled',
    edits: [
      {
        file: 'node/backend/connector/steps/reserve.ts',
        find: '  await context.books.voidUntilKnown(reservation)\n}\n\nfunction tagsOf',
        replace: '  await context.books.postUntilKnown(reservation)\n}\n\nfunction tagsOf'
      }
    ],
    expects: ['always: what was reserved is free', 'P2', 'P5'],
    searches: [{ search: 'packets' }, { scenario: 'packet-answers' }]
  }
]
