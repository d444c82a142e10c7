import { defineConfig } from 'vitest/config'

/** Vite would take graphql's other build than Node does, and two of them in one process refuse each other's types. */
const resolve = { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] }

/**
 * unit         needs nothing but Node: pure functions, state machines, protocol codecs, in-memory doors
 * integration  needs a real PostgreSQL (embedded), real sockets or real processes
 * scenarios    whole networks, in the virtual and the local world
 * browser      the admin UI of a running network, in a headless Chromium (`npm run test:browser`)
 *
 * Files of unit and integration share their worker's modules (isolate: false): the code has no state at module
 * level, so nothing but the time to load it again would be won by isolating them. Scenarios mostly wait for
 * processes of their own, so two files run side by side.
 */
export default defineConfig({
  test: {
    // Vitest leaves one core free, which on two cores would leave one worker.
    maxWorkers: '100%',
    // `npm run coverage`: what must be right to the last line. Helpers of tests do not count.
    coverage: {
      include: ['node/ledger/**/*.ts', 'node/backend/connector/**/*.ts'],
      exclude: [
        '**/*.test.ts',
        '**/*.test-support.ts',
        '**/testing.ts',
        'node/ledger/{contract,model-based}.ts',
        'node/ledger/{contract,model-based}/**'
      ],
      reporter: ['text']
    },
    projects: [
      {
        resolve,
        test: {
          name: 'unit',
          isolate: false,
          include: ['{node,sim,scenarios}/**/*.test.ts'],
          exclude: [
            '**/*.integration.test.ts',
            '**/*.scenario.test.ts',
            '**/*.browser.test.ts',
            'node_modules/**'
          ],
          testTimeout: 20_000
        }
      },
      {
        resolve,
        test: {
          name: 'integration',
          isolate: false,
          globalSetup: [
            'sim/services/vitest-postgres.ts',
            'sim/services/vitest-tigerbeetle.ts',
            'sim/services/vitest-redis.ts'
          ],
          include: ['{node,sim}/**/*.integration.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        resolve,
        test: {
          name: 'scenarios',
          globalSetup: ['sim/services/vitest-postgres.ts'],
          include: ['{sim,scenarios}/**/*.scenario.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000
        }
      },
      {
        resolve,
        test: {
          name: 'browser',
          globalSetup: ['sim/admin-ui/vitest-network.ts'],
          include: ['sim/**/*.browser.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      }
    ]
  }
})
