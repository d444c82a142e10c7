import type { TestProject } from 'vitest/node'
import { isRedisOnPath, NO_REDIS, startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A Redis that tests share, or why there is none: tests of it are skipped then, but not with CI=true. */
    redis: { url: string } | { missing: string }
  }
}

/** One Redis for all tests of a run, where one is found. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!isRedisOnPath()) {
    console.warn(`Tests of several processes on one Redis are skipped: ${NO_REDIS}`)
    project.provide('redis', { missing: NO_REDIS })
    return async () => undefined
  }
  const redis = await startRedis()
  project.provide('redis', { url: redis.url })
  return () => redis.stop()
}
