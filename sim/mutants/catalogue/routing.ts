import type { Mutant } from '../model.ts'

/** Planted bugs of routes and of whom a packet is for. */
export const routingMutants: readonly Mutant[] = [
  {
    name: 'prefix-cut-at-characters',
    breaks:
      'a prefix is shortened by characters instead of segments: test.zebra gets what is for test.zebra2',
    edits: [
      {
        file: 'node/backend/peers/routing-table.ts',
        find: "return destination[length] === '.' ? destination.slice(0, length) : parent(destination.slice(0, length))",
        replace: 'return destination.slice(0, length)'
      }
    ],
    expects: ['always: an address that is nobody’s'],
    searches: [{ search: 'packets' }, { scenario: 'packet-routes' }]
  },
  {
    name: 'incoming-peer-not-excluded',
    breaks: 'a packet goes back to the peer that it came from',
    edits: [
      {
        file: 'node/backend/connector/steps/resolve.ts',
        find: "  const sender = source.kind === 'peer' ? source.peer.id : undefined",
        replace: '  const sender = undefined'
      }
    ],
    // The ledger refuses a transfer between an account and itself.
    expects: ['always: a packet does not go back', 'no service fails unexpectedly'],
    searches: [{ search: 'packets' }, { scenario: 'packet-routes' }]
  },
  {
    name: 'one-page-of-peers',
    breaks: 'only the first 20 peers are routed to after a start (real Rafiki does)',
    edits: [
      {
        file: 'node/backend/peers/directory.ts',
        find: 'FROM peers p WHERE ?::uuid IS NULL OR p.id = ?::uuid`',
        replace: 'FROM peers p WHERE ?::uuid IS NULL OR p.id = ?::uuid ORDER BY p."createdAt" LIMIT 20`'
      }
    ],
    expects: ['always: every peer is routed to', 'always: every peer is known'],
    searches: [{ scenario: 'many-peers' }]
  },
  {
    name: 'route-of-another-tenant',
    breaks: 'a packet of one tenant goes through a peer of another',
    edits: [
      {
        file: 'node/backend/peers/routing-table.ts',
        find: '        if (peer !== undefined) return peer\n      }\n      return undefined',
        replace: `        if (peer !== undefined) return peer
      }
      for (const { byPrefix } of tenants.values())
        for (const [prefix, peers] of byPrefix) if (destination.startsWith(prefix)) return peers[0]
      return undefined`
      }
    ],
    expects: ['always: a tenant’s packets'],
    searches: [{ scenario: 'tenants-apart' }]
  }
]
