import type { ServiceName } from '../networks/raise.ts'

/** A part of a node that the network reaches under a host of its own. */
export type Part = ServiceName | 'wallet' | 'database'

/** A whole node (all of its parts but the database), or one part of it. */
export type Place = string | { node: string; part: Part }

/** Doors of a node that others connect to. */
export const DOORS = [
  'connector',
  'openPayments',
  'admin',
  'auth',
  'introspection',
  'wallet',
  'database'
] as const
export type Door = (typeof DOORS)[number]

/**
 * What may go wrong, as data (money.md 8). Times count from when the fault is armed: faults of a scenario when its steps
 * begin. Each strikes once.
 */
export type Fault =
  | {
      /** Nothing passes between two places; what is sent waits, as over TCP. */
      fault: 'partition'
      between: [Place, Place]
      afterMs: number
      forMs: number
    }
  | {
      /**
       * A connection to a door: `request` is what a client sends, `answer` what the node sends back. `reset`: both ends see
       * a reset, and the bytes reached nobody; of an answer, that is after the request was processed.
       */
      fault: 'connection'
      node: string
      door: Door
      at: 'request' | 'answer'
      /** Which of the messages that begin after the fault is armed, from 1. */
      nth: number
      then: 'reset' | { stallMs: number }
    }
  | {
      /** A service ends as by `kill -9` and is started again. */
      fault: 'crash'
      node: string
      service: ServiceName
      /** After a time, or at the n-th thing that it sends through any door: before that is out, or just after. */
      at: { afterMs: number } | { call: number; side: 'before' | 'after' }
      downMs: number
    }
  | {
      /** A service gets no processor for a time: what it is sent, and its timers, it hears of afterwards. */
      fault: 'pause'
      node: string
      service: ServiceName
      afterMs: number
      forMs: number
    }
  | {
      /** A service's wall clock steps; timers run on. */
      fault: 'clock'
      node: string
      service: ServiceName
      afterMs: number
      stepMs: number
    }

/** What a fault counts: messages that a service sends through any door, or that go through a door. Each when it begins. */
export type Traffic =
  { node: string; service: ServiceName } | { node: string; door: Door; at: 'request' | 'answer' }

/** A fault that waits for its time, or has struck. */
export interface ArmedFault {
  readonly fault: Fault
  /** Whether it has struck. */
  struck(): boolean
  /** Resolves when it has struck and is over: healed, or the service is up again. Rejects where that failed. */
  readonly over: Promise<void>
  /** Takes back one that has not struck. */
  disarm(): void
}

/** What a fault is for a reader. */
export function describeFault(fault: Fault): string {
  switch (fault.fault) {
    case 'partition':
      return `partition of ${fault.between.map(placeName).join(' and ')} for ${fault.forMs} ms`
    case 'connection':
      return `${fault.then === 'reset' ? 'reset' : `stall of ${fault.then.stallMs} ms`} at ${fault.at} ${fault.nth} of ${fault.node} ${fault.door}`
    case 'crash':
      return `crash of ${fault.node} ${fault.service} ${'call' in fault.at ? `${fault.at.side} call ${fault.at.call}` : `after ${fault.at.afterMs} ms`}, down for ${fault.downMs} ms`
    case 'pause':
      return `pause of ${fault.node} ${fault.service} for ${fault.forMs} ms`
    case 'clock':
      return `clock of ${fault.node} ${fault.service} steps by ${fault.stepMs} ms`
  }
}

/** The nodes whose links may have orphans because of it. */
export function nodesTouched(fault: Fault): string[] {
  return fault.fault === 'partition'
    ? fault.between.map((place) => (typeof place === 'string' ? place : place.node))
    : [fault.node]
}

function placeName(place: Place): string {
  return typeof place === 'string' ? place : `${place.node} ${place.part}`
}
