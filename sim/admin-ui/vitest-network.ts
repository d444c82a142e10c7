import type { TestProject } from 'vitest/node'
import { runDemo } from '../networks/demo.ts'
import type { Progress } from '../reports/progress.ts'
import { findChromium, NO_CHROMIUM } from '../services/chromium.ts'
import { readTopology } from '../topology/parse.ts'
import { startLocalNetwork } from '../worlds/local/world.ts'
import { buildAdminUi } from './build.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'

export interface AdminUiNode {
  /** The admin UI of the node. */
  url: string
  graphqlUrl: string
  openPaymentsUrl: string
  operatorTenantId: string
  adminApiSecret: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Two peered nodes with an admin UI each, which tests share; or why there are none. */
    adminUi: { acacia: AdminUiNode; baobab: AdminUiNode } | { missing: string }
  }
}

const nothing = () => undefined
const SILENT: Progress = { step: nothing, say: nothing, summary: nothing, error: nothing }

/** One network for all browser tests of a run, with a payment in it: alice@acacia has paid bob@baobab. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findChromium() === undefined) {
    if (process.env.CI === 'true') throw new Error(`Tests of the admin UI cannot run: ${NO_CHROMIUM}`)
    console.warn(`Tests of the admin UI are skipped: ${NO_CHROMIUM}`)
    project.provide('adminUi', { missing: NO_CHROMIUM })
    return async () => undefined
  }
  const [network] = await Promise.all([
    startLocalNetwork(readTopology('fixtures/topologies/pair.json')),
    buildAdminUi()
  ])
  const frontends: FrontendProcess[] = []
  const stop = async () => {
    await Promise.all(frontends.map(({ process }) => process.end('SIGTERM')))
    await network.stop()
  }
  try {
    const { ok } = await runDemo(network, SILENT)
    if (!ok) throw new Error('the payment of the network that the admin UI is tested with failed')
    const nodes = await Promise.all(
      network.plan.plans.map(async ({ node, urls, secrets }) => {
        const graphqlUrl = `${urls.admin}/graphql`
        const frontend = startFrontendProcess(network.run, `${node.name}-frontend`, {
          PORT: new URL(urls.frontend).port,
          GRAPHQL_URL: graphqlUrl,
          OPEN_PAYMENTS_URL: urls.openPayments,
          BACKEND_HEALTH_URL: `${urls.openPayments.replace('https:', 'http:')}/healthz`,
          AUTH_HEALTH_URL: `${urls.auth}/healthz`
        })
        frontends.push(frontend)
        await frontend.process.started
        const { operatorTenantId, adminApiSecret } = secrets
        return [
          node.name,
          {
            url: frontend.url,
            graphqlUrl,
            openPaymentsUrl: urls.openPayments,
            operatorTenantId,
            adminApiSecret
          }
        ] as const
      })
    )
    const { acacia, baobab } = Object.fromEntries(nodes)
    project.provide('adminUi', { acacia: acacia!, baobab: baobab! })
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
