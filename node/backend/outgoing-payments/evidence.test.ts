import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideInDoubt, weighArrivals } from './evidence.ts'
import type { ArrivalReadings } from './evidence.ts'

const readings = (fields: Partial<ArrivalReadings>): ArrivalReadings => ({
  baseline: 0n,
  receivedNow: 0n,
  bookedSince: 0n,
  connections: [],
  freshTotal: undefined,
  mayHaveForgotten: false,
  possible: undefined,
  othersPay: false,
  ...fields
})

describe('weighing what arrived', () => {
  it('knows that nothing arrived, whoever else pays', () => {
    const found = weighArrivals(
      readings({ baseline: 7n, receivedNow: 50n, bookedSince: 43n, othersPay: true })
    )
    expect(found).toEqual({ arrived: 0n, isExact: true })
  })
  it('takes the growth for ours where nobody else pays', () => {
    expect(weighArrivals(readings({ receivedNow: 50n, bookedSince: 43n, possible: 7n }))).toEqual({
      arrived: 7n,
      isExact: true
    })
  })
  it('takes it for a bound where others pay, or where more came than ours can be', () => {
    const growth = { receivedNow: 50n, bookedSince: 43n }
    expect(weighArrivals(readings({ ...growth, othersPay: true })).isExact).toBe(false)
    expect(weighArrivals(readings({ ...growth, possible: 6n })).isExact).toBe(false)
  })
  it('takes the connection’s own total, which others do not add to', () => {
    const growth = { receivedNow: 90n, bookedSince: 43n, othersPay: true }
    const found = weighArrivals(readings({ ...growth, connections: [{ total: 50n, booked: 43n }] }))
    expect(found).toEqual({ arrived: 7n, isExact: true })
  })
  it('does so where all that arrived came on it, if a fresh connection shows that connections are counted', () => {
    const growth = { receivedNow: 50n, bookedSince: 43n, othersPay: true }
    const connections = [{ total: 50n, booked: 43n }]
    const exact = { arrived: 7n, isExact: true }
    expect(weighArrivals(readings({ ...growth, connections, freshTotal: 0n }))).toEqual(exact)
    for (const freshTotal of [undefined, 50n]) {
      expect(weighArrivals(readings({ ...growth, connections, freshTotal })).isExact).toBe(false)
    }
  })
  it('adds up the connections of several attempts, and needs all of them', () => {
    const growth = { receivedNow: 90n, bookedSince: 43n, othersPay: true, freshTotal: 0n }
    const [one, two] = [
      { total: 50n, booked: 40n },
      { total: 5n, booked: 3n }
    ]
    expect(weighArrivals(readings({ ...growth, connections: [one, two] }))).toEqual({
      arrived: 12n,
      isExact: true
    })
    const silent = { ...two, total: undefined }
    expect(weighArrivals(readings({ ...growth, connections: [one, silent] })).isExact).toBe(false)
  })
  it('does not believe a connection that has less than is booked, or the total of everybody', () => {
    const growth = { receivedNow: 90n, bookedSince: 43n, othersPay: true }
    for (const total of [undefined, 0n, 42n, 90n]) {
      const found = weighArrivals(readings({ ...growth, connections: [{ total, booked: 43n }] }))
      expect(found).toEqual({ arrived: 47n, isExact: false })
    }
  })
  it('takes a zero for forgotten after a long time, unless more is booked than could be forgotten', () => {
    const growth = { receivedNow: 9n, othersPay: true, freshTotal: 0n, mayHaveForgotten: true }
    const zero = weighArrivals(readings({ ...growth, connections: [{ total: 0n, booked: 0n }] }))
    expect(zero).toEqual({ arrived: 9n, isExact: false })
    const kept = weighArrivals(readings({ ...growth, connections: [{ total: 4n, booked: 0n }] }))
    expect(kept).toEqual({ arrived: 4n, isExact: true })
  })
  it('does not believe a connection that claims more than can have arrived', () => {
    const claim = { receivedNow: 90n, freshTotal: 0n, connections: [{ total: 80n, booked: 0n }] }
    expect(weighArrivals(readings({ ...claim, possible: 79n })).isExact).toBe(false)
    expect(weighArrivals(readings({ ...claim, bookedSince: 20n }))).toEqual({ arrived: 70n, isExact: true })
    expect(weighArrivals(readings({ ...claim, bookedSince: 20n, othersPay: true })).isExact).toBe(false)
  })
  it('knows nothing where the receiver cannot be read', () => {
    expect(weighArrivals(readings({ receivedNow: undefined }))).toEqual({
      arrived: undefined,
      isExact: false
    })
    expect(weighArrivals(readings({ baseline: undefined }))).toEqual({ arrived: undefined, isExact: false })
  })
})

describe('weighing, whatever the receiver is', () => {
  /** What really came: by us before the attempt and on it, booked or not, and by others before and meanwhile. */
  const truth = fc.record({
    baseline: fc.bigInt(0n, 50n),
    booked: fc.bigInt(0n, 50n),
    arrived: fc.bigInt(0n, 50n),
    others: fc.bigInt(0n, 50n),
    counts: fc.constantFrom('connections', 'payments', 'nothing'),
    isOpen: fc.boolean(),
    mayHaveForgotten: fc.boolean(),
    isSeen: fc.boolean()
  })

  it('is exact only where it is right, and exact whenever an open receiver counts connections', () => {
    fc.assert(
      fc.property(
        truth,
        ({ baseline, booked, arrived, others, counts, isOpen, mayHaveForgotten, isSeen }) => {
          const receivedNow = baseline + booked + arrived + others
          const totalOf = (ofConnection: bigint) =>
            counts === 'nothing' ? undefined : counts === 'payments' ? receivedNow : ofConnection
          const evidence = weighArrivals({
            baseline,
            receivedNow,
            bookedSince: booked,
            connections: [{ total: totalOf(booked + arrived), booked }],
            freshTotal: isOpen ? totalOf(0n) : undefined,
            mayHaveForgotten,
            possible: undefined,
            // Payers on other nodes are not seen: then nothing may say that there are none.
            othersPay: isSeen || others > 0n || baseline > 0n
          })
          if (evidence.isExact) expect(evidence.arrived).toBe(arrived)
          else expect(evidence.arrived! >= arrived).toBe(true)
          if (counts === 'connections' && isOpen && !(mayHaveForgotten && booked + arrived === 0n)) {
            expect(evidence.isExact).toBe(true)
          }
        }
      )
    )
  })

  it('is right of a receiver that counts connections even where nobody knows of a payer on another node', () => {
    fc.assert(
      fc.property(truth, ({ booked, arrived, others, isOpen }) => {
        fc.pre(isOpen)
        const readingsOf = weighArrivals({
          baseline: 0n,
          receivedNow: booked + arrived + others,
          bookedSince: booked,
          connections: [{ total: booked + arrived, booked }],
          freshTotal: 0n,
          mayHaveForgotten: false,
          possible: undefined,
          othersPay: false
        })
        expect(readingsOf).toEqual({ arrived, isExact: true })
      })
    )
  })
})

/** A path with a rate, and packets of which some arrived: what the decision must not know. */
const world = fc
  .record({
    numerator: fc.bigInt(1n, 5_000n),
    denominator: fc.bigInt(1n, 5_000n),
    packets: fc.array(
      fc.record({ amount: fc.bigInt(1n, 10_000n), margin: fc.bigInt(0n, 5n), hasArrived: fc.boolean() }),
      { minLength: 1, maxLength: 30 }
    )
  })
  .map(({ numerator, denominator, packets }) => {
    const delivered = (amount: bigint) => (amount * numerator) / denominator
    return {
      // Exclusive, and as narrow as one observation of a large packet makes it.
      highRate: { numerator: numerator * 10_000n + 1n, denominator: denominator * 10_000n },
      packets: packets
        .map(({ amount, margin, hasArrived }) => ({
          amount,
          minimum: delivered(amount) > margin ? delivered(amount) - margin : 0n,
          delivered: delivered(amount),
          hasArrived
        }))
        .filter((packet) => packet.delivered > 0n)
    }
  })

describe('deciding packets in doubt', () => {
  const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n)

  it('posts, of equal packets, exactly as many as arrived', () => {
    fc.assert(
      fc.property(world, fc.bigInt(1n, 10_000n), ({ packets, highRate }, amount) => {
        const delivered = (amount * (highRate.numerator - 1n)) / highRate.denominator
        fc.pre(delivered > 0n)
        const equal = packets.map((packet) => ({ ...packet, amount, minimum: delivered, delivered }))
        const arrived = sum(equal.filter((packet) => packet.hasArrived).map(() => delivered))
        const { outcomes } = decideInDoubt(equal, { arrived, isExact: true }, highRate)
        expect(outcomes.filter((outcome) => outcome.delivered !== undefined).length).toBe(
          equal.filter((packet) => packet.hasArrived).length
        )
      })
    )
  })

  it('accounts for all that arrived or lists it, and never below a minimum', () => {
    fc.assert(
      fc.property(world, fc.boolean(), ({ packets, highRate }, knowsRate) => {
        const arrived = sum(packets.filter((one) => one.hasArrived).map((one) => one.delivered))
        const { outcomes, unexplained, riskCount } = decideInDoubt(
          packets,
          { arrived, isExact: true },
          knowsRate ? highRate : undefined
        )
        expect(outcomes.length).toBe(packets.length)
        expect(sum(outcomes.map(({ delivered }) => delivered ?? 0n)) + unexplained).toBe(arrived)
        for (const [index, { delivered }] of outcomes.entries()) {
          if (delivered !== undefined) expect(delivered >= packets[index]!.minimum).toBe(true)
        }
        if (unexplained > 0n) expect(riskCount).toBe(packets.length)
      })
    )
  })

  it('never debits on a guess', () => {
    fc.assert(
      fc.property(
        world,
        fc.option(fc.bigInt(1n, 10n ** 9n), { nil: undefined }),
        ({ packets, highRate }, arrived) => {
          const { outcomes, riskCount } = decideInDoubt(packets, { arrived, isExact: false }, highRate)
          expect(outcomes.every(({ delivered }) => delivered === undefined)).toBe(true)
          expect(riskCount).toBe(packets.length)
        }
      )
    )
  })

  it('debits at the path’s best rate at most for what arrived, but for one packet at its minimum', () => {
    fc.assert(
      fc.property(world, ({ packets, highRate }) => {
        const arrived = sum(packets.filter((one) => one.hasArrived).map((one) => one.delivered))
        const { outcomes } = decideInDoubt(packets, { arrived, isExact: true }, highRate)
        const posted = packets.filter((_, index) => outcomes[index]?.delivered !== undefined)
        const withoutLast = sum(posted.slice(0, -1).map((packet) => packet.delivered))
        expect(withoutLast <= arrived).toBe(true)
      })
    )
  })

  it('voids everything, without risk, where nothing arrived', () => {
    const packets = [{ amount: 5n, minimum: 4n }]
    expect(decideInDoubt(packets, { arrived: 0n, isExact: true }, undefined)).toEqual({
      outcomes: [{ delivered: undefined }],
      riskCount: 0,
      unexplained: 0n
    })
  })
})
