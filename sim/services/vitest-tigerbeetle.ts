import type { TestProject } from 'vitest/node'
import { NO_TIGERBEETLE, findTigerBeetle, startTigerBeetles } from './tigerbeetle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A cluster that tests share, or why there is none: tests of it are skipped then. */
    tigerBeetle: { clusterId: string; addresses: readonly string[] } | { missing: string }
  }
}

/** One TigerBeetle for all tests of a run, where one is found. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findTigerBeetle() === undefined) {
    console.warn(`Tests of the TigerBeetle ledger are skipped: ${NO_TIGERBEETLE}`)
    project.provide('tigerBeetle', { missing: NO_TIGERBEETLE })
    return async () => undefined
  }
  const service = (await startTigerBeetles(['tests'], { durable: false })).get('tests')!
  project.provide('tigerBeetle', {
    clusterId: service.clusterId.toString(),
    addresses: service.addresses
  })
  return () => service.stop()
}
